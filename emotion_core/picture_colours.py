"""Colour management: pictures with a colour profile (Display P3, Adobe RGB) are converted to sRGB."""

import io
from typing import Final

from PIL import Image, ImageCms

_SRGB: Final = ImageCms.createProfile("sRGB")
#: Colour space of the profile -> Pillow mode of its input.
_MODES: Final = {"RGB ": "RGB", "CMYK": "CMYK"}


class Colours:
    """Converts a picture's colours to sRGB; does nothing without a valid profile.

    mode: the mode of ``to_srgb``'s input, or "" if there is nothing to do.
    """

    def __init__(self, image: Image.Image) -> None:
        self.mode = ""
        content = image.info.get("icc_profile")
        if not isinstance(content, bytes) or not content:
            return
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
            mode = _MODES.get(profile.profile.xcolor_space, "")
            known = "srgb" in (profile.profile.profile_description or "").lower()
            # A profile for another colour space than the file's is the author's mistake.
            if mode and not known and (mode == "CMYK") == (image.mode == "CMYK"):
                self._transform = ImageCms.buildTransform(profile, _SRGB, mode, "RGB")
                self.mode = mode
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """The picture in sRGB, mode RGB."""
        return ImageCms.applyTransform(image, self._transform) or image
