"""Pinhole cameras that look at the middle of the floor, four of Human3.6M's kind, and what each sees."""

from dataclasses import dataclass

import numpy as np

from poselift.synthetic.curves import Array


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: focal length and principal point in px, position in the world in mm."""

    name: str
    width: int
    height: int
    focal: float
    principal: tuple[float, float]
    position: tuple[float, float, float]


# names and image sizes are Human3.6M's; focal lengths and distances are of its magnitude
CAMERAS = (
    Camera("54138969", 1000, 1002, 1145, (512, 515), (1900, 3950, 1560)),
    Camera("55011271", 1000, 1000, 1150, (508, 507), (1800, -4050, 1600)),
    Camera("58860488", 1000, 1000, 1145, (516, 502), (-1950, 4000, 1500)),
    Camera("60457274", 1000, 1002, 1145, (510, 504), (-1850, -3900, 1570)),
)


def project(camera: Camera, joints: Array) -> tuple[Array, Array]:
    """The pixels (T, J, 2) of joints in the world (T, J, 3), and the joints in the camera's own space.

    Camera space is in mm: x right, y down, z away from the camera, which looks 900 mm over the origin.
    """
    position = np.array(camera.position)
    ahead = np.array([0.0, 0.0, 900.0]) - position
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    inside = (joints - position) @ np.stack([right, np.cross(ahead, right), ahead], -1)
    return camera.principal + camera.focal * inside[..., :2] / inside[..., 2:], inside


def view(camera: Camera, joints: Array) -> tuple[Array, Array]:
    """The 2.5D pose (T, J, 3) and its factor (T,) that a camera sees of joints in the world (T, J, 3).

    x and y are pixels of the perspective image; z is the depth behind the root (joint 0) in mm divided by the
    factor, which is the mm that a pixel covers at the root's depth.
    """
    pixels, inside = project(camera, joints)
    behind = inside[..., 2:] - inside[:, :1, 2:]
    factor = inside[:, 0, 2] / camera.focal
    return np.concatenate([pixels, behind / factor[:, None, None]], -1), factor
