"""Presentation pages on a common grid: a title, text, and a chart or table next to or below it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from PIL import Image
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Emu, Inches, Pt

_FONT: Final = "Arial"
_INK, _PALE, _ACCENT, _BAND = (RGBColor.from_string(colour) for colour in ("1B2A3A", "5B6B7B", "0072B2", "E9F1F7"))
_WIDTH, _HEIGHT, _MARGIN = Inches(13.333), Inches(7.5), Inches(0.75)
_TOP, _BOTTOM = Inches(1.65), Inches(6.75)  # of the area under the title
_LETTERS: Final = 110  # that surely fit on a line at 18 points


#: Left, top, width and height on the page.
_Box: TypeAlias = tuple[int, int, int, int]


class _Style(NamedTuple):
    """Text style; size and gap in points."""

    size: int
    bold: bool = False
    colour: RGBColor = _INK
    gap: int = 0
    right: bool = False


class Deck:
    """A presentation under construction; ``source`` is the footer of every page."""

    def __init__(self, presentation: Any, source: str) -> None:
        self._deck = presentation
        self._deck.slide_width, self._deck.slide_height = _WIDTH, _HEIGHT
        self._source = source

    def cover(self, title: str, subtitle: str, note: str, spoken: str = "") -> None:
        """The first slide: title, subtitle, a note below, and the speaker's notes."""
        slide = self._blank()
        self._speaker(slide, spoken)
        self._block(slide, 0, 0, Inches(0.35), _HEIGHT, _ACCENT)
        self._text(slide, [title], (Inches(1.2), Inches(2.1), Inches(11), Inches(1.2)), _Style(54, bold=True))
        self._text(slide, [subtitle], (Inches(1.2), Inches(3.4), Inches(11), Inches(0.7)), _Style(26, colour=_ACCENT))
        self._text(slide, [note], (Inches(1.2), Inches(4.4), Inches(11), Inches(0.9)), _Style(20, colour=_PALE))
        self._text(slide, [self._source], (Inches(1.2), Inches(6.6), Inches(11), Inches(0.4)), _Style(12, colour=_PALE))

    def page(
        self,
        title: str,
        lines: Sequence[str],
        picture: bytes | None = None,
        table: Sequence[Sequence[str]] = (),
        below: bool = False,
        spoken: str = "",
        seen: str = "",
    ) -> None:
        """Add a page. picture: an image file's bytes, to the right of the lines or ``below`` them; table: header first.

        spoken: the speaker's notes. seen: alternative text for the picture or table.
        """
        slide = self._blank()
        self._speaker(slide, spoken)
        inner = _WIDTH - 2 * _MARGIN
        self._text(slide, [title], (_MARGIN, Inches(0.5), inner, Inches(0.8)), _Style(34, bold=True))
        self._block(slide, _MARGIN, Inches(1.3), Inches(1.1), Inches(0.06), _ACCENT)
        beside = picture is not None and not below
        alone = picture is None and not table
        width = Emu(int(inner * 0.4)) if beside else inner
        rows = sum(-(-len(line) // _LETTERS) for line in lines)
        under = Inches(0.38 * rows + 0.25)
        height = _BOTTOM - _TOP if alone or beside else under
        gap = 20 if alone else 14 if beside else 6
        self._text(slide, lines, (_MARGIN, _TOP, width, height), _Style(24 if alone else 18, gap=gap))
        if picture is not None:
            left, top = (_MARGIN + width + Inches(0.35), _TOP) if beside else (_MARGIN, _TOP + under)
            shape = self._picture(slide, picture, left, top, _WIDTH - _MARGIN - left, _BOTTOM - top)
            _describe(shape, seen or title)
        if table:
            _describe(self._table(slide, table, _TOP + under, inner), seen or title)
        self._text(slide, [self._source], (_MARGIN, Inches(6.95), Inches(9), Inches(0.35)), _Style(11, colour=_PALE))
        number = str(len(self._deck.slides))
        self._text(
            slide,
            [number],
            (_WIDTH - _MARGIN - Inches(1), Inches(6.95), Inches(1), Inches(0.35)),
            _Style(11, right=True),
        )

    def save(self, path: Path) -> Path:
        """Write the .pptx; returns its path."""
        self._deck.save(str(path))
        return path

    def _blank(self) -> Any:
        return self._deck.slides.add_slide(self._deck.slide_layouts[6])

    def _block(self, slide: Any, left: int, top: int, width: int, height: int, colour: RGBColor) -> None:
        shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, left, top, width, height)
        shape.fill.solid()
        shape.fill.fore_color.rgb = colour
        shape.line.fill.background()
        shape.shadow.inherit = False

    def _text(self, slide: Any, lines: Sequence[str], box: _Box, style: _Style) -> None:
        frame = slide.shapes.add_textbox(*box).text_frame
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        for number, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.space_after = Pt(style.gap)
            if style.right:
                paragraph.alignment = PP_ALIGN.RIGHT
            self._run(paragraph, line, style.size, style.bold, style.colour)

    def _run(self, paragraph: Any, text: str, size: int, bold: bool, colour: RGBColor) -> None:
        run = paragraph.add_run()
        run.text = text
        run.font.name, run.font.size, run.font.bold = _FONT, Pt(size), bold
        run.font.color.rgb = colour

    def _speaker(self, slide: Any, spoken: str) -> None:
        if spoken:
            slide.notes_slide.notes_text_frame.text = spoken

    def _picture(self, slide: Any, picture: bytes, left: int, top: int, width: int, height: int) -> Any:
        """Scale the picture to fit the box, aligned to its top and centred."""
        with Image.open(io.BytesIO(picture)) as image:
            scale = min(width / image.width, height / image.height)
            wide, high = int(image.width * scale), int(image.height * scale)
        return slide.shapes.add_picture(io.BytesIO(picture), left + (width - wide) // 2, top, wide, high)

    def _table(self, slide: Any, rows: Sequence[Sequence[str]], top: int, width: int) -> Any:
        """Add a table with columns in proportion to their longest text; a page holds at most eight rows."""
        shape = slide.shapes.add_table(len(rows), len(rows[0]), _MARGIN, top, width, Inches(0.5) * len(rows))
        table = shape.table
        longest = [max(len(row[column]) for row in rows) + 3 for column in range(len(rows[0]))]
        for column, share in zip(table.columns, longest, strict=True):
            column.width = Emu(int(width * share / sum(longest)))
        for index, row in enumerate(rows):
            for column_index, text in enumerate(row):
                cell = table.cell(index, column_index)
                cell.vertical_anchor = MSO_ANCHOR.MIDDLE
                cell.fill.solid()
                white = RGBColor(255, 255, 255)
                cell.fill.fore_color.rgb = _ACCENT if index == 0 else _BAND if index % 2 == 0 else white
                self._run(cell.text_frame.paragraphs[0], text, 15, index == 0, white if index == 0 else _INK)
        return shape


def _describe(shape: Any, text: str) -> None:
    """Set the alternative text of a picture or table, for screen readers."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", text)
