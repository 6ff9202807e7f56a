"""The fifteen actions of Human3.6M, each as key poses to move between and a way to be on the ground."""

from dataclasses import dataclass
from typing import Literal

Hand = tuple[float, float, float, float]
"""Outwards, forwards and up from the own shoulder, in arm lengths; and how far it beats about that place."""

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
    """A key pose: the hands; in degrees how far the trunk leans forwards and `aside` (to the right), how far
    it twists and the head looks to the left, and how far the head looks down; and the stance."""

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
    """Key poses in random order, each held for `hold` (shortest, longest; s); less `tempo` is faster moves.

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


ACTIONS = (
    Action(
        "Directions",
        (
            Key(right=AHEAD, twist=-10),
            Key(right=ASIDE, twist=-25, look=-35),
            Key(right=ACROSS, twist=25, look=30),
            Key(right=HIGH, look=-10, down=-15),
            Key(right=LOW, lean=10, down=20),
            Key(right=TALK, left=POCKET),
        ),
        hold=(0.4, 1.4),
        tempo=0.8,
        mirrored=True,
    ),
    Action(
        "Discussion",
        (
            Key(right=TALK, left=TALK),
            Key(right=TALK_OPEN, left=TALK_OPEN, down=0),
            Key(right=TALK_HIGH, left=TALK, twist=12, look=10),
            Key(right=TALK_OPEN, left=HIP, lean=8, look=-15),
            Key(right=CHIN, left=FOLDED, down=12),
        ),
        hold=(0.1, 0.8),
        tempo=0.65,
        mirrored=True,
        pause=(1.0, 3.0),
    ),
    Action(
        "Eating",
        (
            Key(right=PLATE, left=PLATE, lean=14, down=22, stance=CHAIR),
            Key(right=MOUTH, left=PLATE, lean=12, down=4, stance=CHAIR),
            Key(right=PLATE, left=MOUTH, lean=10, down=0, stance=CHAIR),
            Key(right=MOUTH, left=LAP, lean=8, down=6, look=20, stance=CHAIR),
        ),
        hold=(0.2, 0.9),
        ground="sit",
        crossing=0.3,
    ),
    Action(
        "Greeting",
        (
            Key(right=WAVE, look=-8, down=-2),
            Key(right=SHAKE, lean=12),
            Key(right=TALK, left=TALK, lean=48, down=10),
            Key(right=WIDE, left=WIDE, lean=4, down=-5),
            Key(right=WAVE, left=WAVE),
            Key(),
        ),
        hold=(0.4, 1.2),
        tempo=0.7,
        mirrored=True,
    ),
    Action(
        "Phoning",
        (
            Key(right=EAR, left=POCKET, down=8, look=-5),
            Key(right=EAR, left=HANG, down=15, look=-25),
            Key(right=EAR, left=TALK_OPEN, down=0, look=20),
            Key(right=EAR, left=FOLDED, twist=12, down=12),
            Key(right=EAR, left=HIP, twist=-10),
        ),
        hold=(0.5, 2.5),
        tempo=1.1,
        ground="eight",
        speed=0.6,
        vary=0.35,
    ),
    Action(
        "Posing",
        (
            Key(right=HIP, left=HIP, look=-20),
            Key(right=HEAD, left=HIP, aside=-8, twist=15),
            Key(right=OVERHEAD, left=OVERHEAD, down=-15),
            Key(right=WIDE, left=WIDE, twist=10),
            Key(right=HIP, left=HIGH, aside=10, stance=SLACK),
            Key(right=FOLDED, left=FOLDED, lean=-6, down=-5),
            Key(right=KNEE, left=KNEE, lean=40, down=-30, stance=CROUCH),
        ),
        hold=(0.8, 2.0),
        tempo=0.8,
        mirrored=True,
    ),
    Action(
        "Purchases",
        (
            Key(right=PICK, left=PICK, lean=65, down=10, stance=CROUCH),
            Key(right=PICK, left=BAG, lean=40, aside=8, down=15, stance=SQUAT),
            Key(right=SHELF, left=BAG, down=-12),
            Key(right=PLATE, left=PLATE, lean=15, down=30),
            Key(right=BAG, left=BAG, look=20),
        ),
        hold=(0.2, 1.0),
        tempo=0.9,
        mirrored=True,
        pause=(1.0, 3.0),
    ),
    Action(
        "Sitting",
        (
            Key(right=LAP, left=LAP, lean=-4, stance=CHAIR),
            Key(right=KNEE, left=KNEE, lean=28, down=0, stance=CHAIR),
            Key(right=FOLDED, left=FOLDED, lean=-12, stance=CHAIR),
            Key(right=LAP, left=TALK_OPEN, look=25, stance=CHAIR),
            Key(right=HEAD, left=LAP, aside=-8, lean=-8, down=-5, stance=CHAIR),
            Key(right=CHIN, left=LAP, lean=20, down=12, stance=CHAIR),
        ),
        hold=(0.8, 2.5),
        mirrored=True,
        ground="sit",
        crossing=0.4,
    ),
    Action(
        "SittingDown",
        (
            Key(right=FLOOR, left=FLOOR, lean=-22, down=-10, stance=GROUND),
            Key(right=KNEE, left=KNEE, lean=12, stance=GROUND),
            Key(right=LAP, left=FLOOR, lean=-8, twist=15, look=25, stance=GROUND),
            Key(right=AHEAD, left=AHEAD, lean=30, down=0, stance=SQUAT),
            Key(lean=3, stance=UPRIGHT),
        ),
        hold=(0.2, 1.2),
        mirrored=True,
        ground="sit",
    ),
    Action(
        "Smoking",
        (
            Key(right=MOUTH, left=FOLDED, down=4, stance=SLACK),
            Key(right=HANG, left=FOLDED, down=0, look=15, stance=SLACK),
            Key(right=TALK_OPEN, left=FOLDED, lean=-3, down=-14, look=-15),
            Key(right=MOUTH, left=POCKET, down=10),
        ),
        hold=(0.5, 1.6),
        tempo=1.2,
        pause=(4.0, 8.0),
    ),
    Action(
        "TakingPhoto",
        (
            Key(right=EYES, left=EYES, lean=6, down=4),
            Key(right=EYES, left=EYES, lean=24, down=-8, stance=CROUCH),
            Key(right=EYES, left=EYES, lean=-8, down=-14, aside=6),
            Key(right=EYES, left=EYES, lean=14, down=0, stance=SQUAT),
            Key(right=PLATE, left=PLATE, down=32),
        ),
        hold=(0.6, 1.8),
        mirrored=True,
    ),
    Action(
        "Waiting",
        (
            Key(right=FOLDED, left=FOLDED, stance=SLACK),
            Key(right=POCKET, left=POCKET, look=40),
            Key(right=HANG, left=WRIST, down=32, look=10),
            Key(right=HIP, left=HANG, look=-45, aside=5, stance=SLACK),
            Key(look=20, lean=-4, down=-8),
        ),
        hold=(0.8, 2.5),
        mirrored=True,
        pause=(1.5, 4.0),
    ),
    Action(
        "Walking",
        (Key(lean=4), Key(lean=5, look=12), Key(lean=3, look=-12, down=12)),
        hold=(1.0, 3.0),
        ground="ellipse",
        speed=1.2,
        vary=0.1,
    ),
    Action(
        "WalkingDog",
        (
            Key(right=LEASH, lean=4, down=25, look=-20),
            Key(right=LOW, lean=16, down=20, twist=-12),
            Key(right=LEASH, left=TALK_OPEN, lean=-6, down=15),
            Key(right=AHEAD, left=POCKET, lean=10, down=8, twist=12),
        ),
        hold=(0.3, 1.2),
        tempo=0.85,
        ground="eight",
        speed=0.85,
        vary=0.4,
    ),
    Action(
        "WalkTogether",
        (
            Key(look=40, twist=6),
            Key(right=TALK, look=45, twist=8),
            Key(right=TALK_OPEN, look=25),
            Key(right=POCKET, left=POCKET, look=5),
        ),
        hold=(0.6, 2.0),
        ground="ellipse",
        speed=1.05,
        vary=0.25,
    ),
)
