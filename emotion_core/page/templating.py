"""The page's HTML, rendered from the templates in this package; values are escaped."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..data_uris import data_uri
from ..labels import SYMBOLS, colour_of, ink_on

_HERE: Final = Path(__file__).parent
#: For a label from another data set.
_OTHER_SYMBOL: Final = "🙂"


def _percent(share: float, digits: int = 0) -> str:
    return f"{share:.{digits}%}"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    percent=_percent,
    cell=_cell,
    colour=colour_of,
    ink=lambda label: ink_on(colour_of(label)),
    symbol=lambda label: SYMBOLS.get(label, _OTHER_SYMBOL),
    picture=data_uri,
)


def render(template: str, **values: Any) -> str:
    """The template rendered with these values; raises UndefinedError for one it uses and is not given."""
    return _ENVIRONMENT.get_template(template).render(**values)


def script(*names: str) -> str:
    """The page's scripts joined in this order: shared ones come first."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)
