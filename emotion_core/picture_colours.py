"""Colours as they were meant: pictures with a profile of their own (Display P3, Adobe RGB) become sRGB."""

import io
from typing import Final

from PIL import Image, ImageCms

_SRGB: Final = ImageCms.createProfile("sRGB")
#: By what the profile is for: the mode that it takes.
_MODES: Final = {"RGB ": "RGB", "CMYK": "CMYK"}


class Colours:
    """What turns a picture's colours to sRGB; of one without a profile, or with one that is broken, nothing.

    mode: of the pictures that ``to_srgb`` takes, or "" where there is nothing to do.
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
            # A profile for other colours than the file holds is a mistake of whoever wrote it.
            if mode and not known and (mode == "CMYK") == (image.mode == "CMYK"):
                self._transform = ImageCms.buildTransform(profile, _SRGB, mode, "RGB")
                self.mode = mode
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """The same picture in sRGB, mode RGB."""
        return ImageCms.applyTransform(image, self._transform) or image
