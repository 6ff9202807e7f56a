"""Four cameras of Human3.6M's kind round the floor, and the 2.5D pose that each sees."""

from dataclasses import dataclass

import numpy as np

from poselift.synthetic.curves import Array


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: focal length and principal point in px, place in the world in mm."""

    name: str
    width: int
    height: int
    focal: float
    principal: tuple[float, float]
    place: tuple[float, float, float]


# names and image sizes are Human3.6M's; focal lengths and distances are of its magnitude
CAMERAS = (
    Camera("54138969", 1000, 1002, 1145, (512, 515), (1900, 3950, 1560)),
    Camera("55011271", 1000, 1000, 1150, (508, 507), (1800, -4050, 1600)),
    Camera("58860488", 1000, 1000, 1145, (516, 502), (-1950, 4000, 1500)),
    Camera("60457274", 1000, 1002, 1145, (510, 504), (-1850, -3900, 1570)),
)

AIM = np.array([0.0, 0.0, 900.0])
"""Where all cameras look, mm."""


def camera_space(camera: Camera, joints: Array) -> Array:
    """Joints of the world (T, J, 3) in a camera's own space, mm: x right, y down, z away from it."""
    place = np.array(camera.place)
    ahead = (AIM - place) / np.linalg.norm(AIM - place)
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    return (joints - place) @ np.stack([right, np.cross(ahead, right), ahead], -1)


def view(camera: Camera, joints: Array) -> tuple[Array, Array]:
    """The 2.5D pose (T, J, 3) and its factor (T,) that a camera sees of joints in the world (T, J, 3).

    x and y are pixels of the perspective image; z is the depth behind the root (joint 0) in mm divided by the
    factor, which is the mm that a pixel covers at the root's depth.
    """
    x, y, depth = np.moveaxis(camera_space(camera, joints), -1, 0)
    factor = depth[:, 0] / camera.focal
    pose = np.stack(
        [
            camera.principal[0] + camera.focal * x / depth,
            camera.principal[1] + camera.focal * y / depth,
            (depth - depth[:, :1]) / factor[:, None],
        ],
        -1,
    )
    return pose, factor
