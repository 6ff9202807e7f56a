"""The fifteen actions of Human3.6M, each as key poses to move between and a kind of footwork."""

from dataclasses import dataclass
from typing import Literal

Hand = tuple[float, float, float, float]
"""Outwards, forwards and up from its shoulder, in arm lengths; and how far it gestures about that."""

HANG: Hand = (0.10, 0.08, -0.95, 0.0)
POCKET: Hand = (0.10, 0.12, -0.72, 0.0)
HIP: Hand = (0.12, 0.02, -0.66, 0.0)
FOLDED: Hand = (-0.42, 0.36, -0.36, 0.0)
EAR: Hand = (-0.08, 0.16, 0.27, 0.01)
MOUTH: Hand = (-0.22, 0.30, 0.16, 0.01)
CHIN: Hand = (-0.22, 0.28, 0.06, 0.0)
HEAD: Hand = (-0.10, 0.05, 0.55, 0.0)
EYES: Hand = (-0.12, 0.46, 0.30, 0.0)
AHEAD: Hand = (0.05, 0.92, 0.08, 0.0)
ASIDE: Hand = (0.78, 0.50, 0.10, 0.0)
ACROSS: Hand = (-0.50, 0.74, 0.00, 0.0)
HIGH: Hand = (0.22, 0.55, 0.70, 0.0)
LOW: Hand = (0.25, 0.72, -0.50, 0.0)
WIDE: Hand = (0.90, 0.10, 0.15, 0.0)
OVERHEAD: Hand = (0.15, 0.10, 0.92, 0.0)
WAVE: Hand = (0.32, 0.22, 0.62, 0.13)
SHAKE: Hand = (-0.10, 0.74, -0.32, 0.05)
TALK: Hand = (0.10, 0.52, -0.32, 0.06)
TALK_OPEN: Hand = (0.42, 0.48, -0.22, 0.07)
TALK_HIGH: Hand = (0.02, 0.50, 0.08, 0.08)
LAP: Hand = (-0.08, 0.42, -0.64, 0.0)
KNEE: Hand = (0.02, 0.72, -0.56, 0.0)
PLATE: Hand = (-0.10, 0.60, -0.36, 0.03)
WRIST: Hand = (-0.30, 0.46, -0.16, 0.0)
LEASH: Hand = (0.12, 0.62, -0.42, 0.05)
FLOOR: Hand = (0.32, -0.42, -0.78, 0.0)
PICK: Hand = (-0.05, 0.85, -0.30, 0.02)
SHELF: Hand = (0.08, 0.78, 0.28, 0.02)
BAG: Hand = (0.16, 0.14, -0.78, 0.0)

Stance = tuple[float, float]
"""Height of the hips (1: straight legs), and how far they are behind the feet in leg lengths."""

UPRIGHT: Stance = (1.0, 0.0)
SLACK: Stance = (0.95, 0.0)
CROUCH: Stance = (0.74, 0.08)
SQUAT: Stance = (0.48, 0.14)
CHAIR: Stance = (0.50, 0.42)
GROUND: Stance = (0.14, 0.52)


@dataclass(frozen=True)
class Key:
    """A key pose: hands, stance, and in degrees how far the trunk leans forwards and `aside` (to the right),
    how far it twists and the head looks to the left, and how far the head looks down."""

    right: Hand = HANG
    left: Hand = HANG
    lean: float = 2
    aside: float = 0
    twist: float = 0
    down: float = 5
    look: float = 0
    stance: Stance = UPRIGHT


@dataclass(frozen=True)
class Action:
    """Key poses in random order, each held for `hold` (shortest, longest; s); a smaller `tempo` is faster.

    With `mirrored` each key pose may appear on either side; without it a person's better hand leads.
    `ground` says what the feet do: "stand" with a `pause` (shortest, longest; s) between steps, "sit" with
    the share `crossing` of the feet's moves across the other leg, or walk along an "ellipse" or a figure of
    "eight" at a `speed` (m/s) that varies by the share `vary`.
    """

    name: str
    keys: tuple[Key, ...]
    hold: tuple[float, float] = (0.3, 1.5)
    tempo: float = 1.0
    mirrored: bool = False
    ground: Literal["stand", "sit", "ellipse", "eight"] = "stand"
    pause: tuple[float, float] = (2.0, 5.0)
    crossing: float = 0.0
    speed: float = 0.0
    vary: float = 0.0


# fmt: off
ACTIONS = (
    Action("Directions", hold=(0.4, 1.4), tempo=0.8, mirrored=True, keys=(
        Key(AHEAD, twist=-10), Key(ASIDE, twist=-25, look=-35), Key(ACROSS, twist=25, look=30),
        Key(HIGH, down=-15, look=-10), Key(LOW, lean=10, down=20), Key(TALK, POCKET),
    )),
    Action("Discussion", hold=(0.1, 0.8), tempo=0.65, mirrored=True, pause=(1.0, 3.0), keys=(
        Key(TALK, TALK), Key(TALK_OPEN, TALK_OPEN, down=0), Key(TALK_HIGH, TALK, twist=12, look=10),
        Key(TALK_OPEN, HIP, lean=8, look=-15), Key(CHIN, FOLDED, down=12),
    )),
    Action("Eating", hold=(0.2, 0.9), ground="sit", crossing=0.3, keys=(
        Key(PLATE, PLATE, lean=14, down=22, stance=CHAIR), Key(MOUTH, PLATE, lean=12, down=4, stance=CHAIR),
        Key(PLATE, MOUTH, lean=10, down=0, stance=CHAIR),
        Key(MOUTH, LAP, lean=8, down=6, look=20, stance=CHAIR),
    )),
    Action("Greeting", hold=(0.4, 1.2), tempo=0.7, mirrored=True, keys=(
        Key(WAVE, down=-2, look=-8), Key(SHAKE, lean=12), Key(TALK, TALK, lean=48, down=10),
        Key(WIDE, WIDE, lean=4, down=-5), Key(WAVE, WAVE), Key(),
    )),
    Action("Phoning", hold=(0.5, 2.5), tempo=1.1, ground="eight", speed=0.6, vary=0.35, keys=(
        Key(EAR, POCKET, down=8, look=-5), Key(EAR, down=15, look=-25),
        Key(EAR, TALK_OPEN, down=0, look=20), Key(EAR, FOLDED, twist=12, down=12), Key(EAR, HIP, twist=-10),
    )),
    Action("Posing", hold=(0.8, 2.0), tempo=0.8, mirrored=True, keys=(
        Key(HIP, HIP, look=-20), Key(HEAD, HIP, aside=-8, twist=15), Key(OVERHEAD, OVERHEAD, down=-15),
        Key(WIDE, WIDE, twist=10), Key(HIP, HIGH, aside=10, stance=SLACK),
        Key(FOLDED, FOLDED, lean=-6, down=-5), Key(KNEE, KNEE, lean=40, down=-30, stance=CROUCH),
    )),
    Action("Purchases", hold=(0.2, 1.0), tempo=0.9, mirrored=True, pause=(1.0, 3.0), keys=(
        Key(PICK, PICK, lean=65, down=10, stance=CROUCH),
        Key(PICK, BAG, lean=40, aside=8, down=15, stance=SQUAT), Key(SHELF, BAG, down=-12),
        Key(PLATE, PLATE, lean=15, down=30), Key(BAG, BAG, look=20),
    )),
    Action("Sitting", hold=(0.8, 2.5), mirrored=True, ground="sit", crossing=0.4, keys=(
        Key(LAP, LAP, lean=-4, stance=CHAIR), Key(KNEE, KNEE, lean=28, down=0, stance=CHAIR),
        Key(FOLDED, FOLDED, lean=-12, stance=CHAIR), Key(LAP, TALK_OPEN, look=25, stance=CHAIR),
        Key(HEAD, LAP, lean=-8, aside=-8, down=-5, stance=CHAIR),
        Key(CHIN, LAP, lean=20, down=12, stance=CHAIR),
    )),
    Action("SittingDown", hold=(0.2, 1.2), mirrored=True, ground="sit", keys=(
        Key(FLOOR, FLOOR, lean=-22, down=-10, stance=GROUND), Key(KNEE, KNEE, lean=12, stance=GROUND),
        Key(LAP, FLOOR, lean=-8, twist=15, look=25, stance=GROUND),
        Key(AHEAD, AHEAD, lean=30, down=0, stance=SQUAT), Key(lean=3),
    )),
    Action("Smoking", hold=(0.5, 1.6), tempo=1.2, pause=(4.0, 8.0), keys=(
        Key(MOUTH, FOLDED, down=4, stance=SLACK), Key(HANG, FOLDED, down=0, look=15, stance=SLACK),
        Key(TALK_OPEN, FOLDED, lean=-3, down=-14, look=-15), Key(MOUTH, POCKET, down=10),
    )),
    Action("TakingPhoto", hold=(0.6, 1.8), mirrored=True, keys=(
        Key(EYES, EYES, lean=6, down=4), Key(EYES, EYES, lean=24, down=-8, stance=CROUCH),
        Key(EYES, EYES, lean=-8, aside=6, down=-14), Key(EYES, EYES, lean=14, down=0, stance=SQUAT),
        Key(PLATE, PLATE, down=32),
    )),
    Action("Waiting", hold=(0.8, 2.5), mirrored=True, pause=(1.5, 4.0), keys=(
        Key(FOLDED, FOLDED, stance=SLACK), Key(POCKET, POCKET, look=40), Key(HANG, WRIST, down=32, look=10),
        Key(HIP, aside=5, look=-45, stance=SLACK), Key(lean=-4, down=-8, look=20),
    )),
    Action("Walking", hold=(1.0, 3.0), ground="ellipse", speed=1.2, vary=0.1, keys=(
        Key(lean=4), Key(lean=5, look=12), Key(lean=3, down=12, look=-12),
    )),
    Action("WalkingDog", hold=(0.3, 1.2), tempo=0.85, ground="eight", speed=0.85, vary=0.4, keys=(
        Key(LEASH, lean=4, down=25, look=-20), Key(LOW, lean=16, twist=-12, down=20),
        Key(LEASH, TALK_OPEN, lean=-6, down=15), Key(AHEAD, POCKET, lean=10, twist=12, down=8),
    )),
    Action("WalkTogether", hold=(0.6, 2.0), ground="ellipse", speed=1.05, vary=0.25, keys=(
        Key(twist=6, look=40), Key(TALK, twist=8, look=45), Key(TALK_OPEN, look=25),
        Key(POCKET, POCKET, look=5),
    )),
)
# fmt: on
