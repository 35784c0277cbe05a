"""The PowerPoint file of a film, as manim-slides makes it, with what it leaves out put right.

Each slide gets its title, a picture of its own beat until it is played, and the words for who does not see
it; the ground is the film's. The file names no author and no date: the same film gives the same bytes.
"""

import tempfile
import unicodedata
import zipfile
from contextlib import redirect_stderr
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manim_slides.config import PresentationConfig
from manim_slides.convert import PowerPoint
from PIL import Image
from pptx import Presentation as opened
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.presentation import Presentation
from pptx.slide import Slide

from scenes._bundle import Bundle
from scenes._theme import THEMES

if TYPE_CHECKING:
    from scenes._slides import Beat

SHORT = 720  # pixels of a slide's shorter side: 1280 × 720 are PowerPoint's own 13.33 × 7.5 inches
TITLE_ONLY = 5  # the layout with room for a title; manim-slides takes the blank one
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first day that a ZIP file knows


def made(bundle: Bundle, slides: PresentationConfig, beats: "list[Beat]") -> bytes:
    """The file's bytes."""
    width, height = size(bundle)
    with tempfile.TemporaryDirectory(prefix="learning-dynamics-") as place:
        path, poster = Path(place) / "slides.pptx", Path(place) / "poster.jpg"
        poster.write_bytes(small(beats[0].poster).getvalue())
        converter = PowerPoint(
            presentation_configs=[slides], width=width, height=height, poster_frame_image=poster
        )
        # a progress bar of its own would run across ours
        with redirect_stderr(StringIO()):
            converter.convert_to(path)
        deck = opened(str(path))
    room = deck.slide_layouts[TITLE_ONLY].placeholders[0]
    for slide, beat in zip(deck.slides, beats, strict=True):
        tell(slide, beat, bundle, room)
    label(deck, bundle)
    data = BytesIO()
    deck.save(data)
    return timeless(data.getvalue())


def size(bundle: Bundle) -> tuple[int, int]:
    """Width and height of the slides in pixels, 96 to an inch."""
    short = min(bundle.width, bundle.height)
    # a clip's sides are even numbers, and may miss its aspect by a pixel
    width, height = (round(SHORT * side / short / 10) * 10 for side in (bundle.width, bundle.height))
    return width, height


def tell(slide: Slide, beat: "Beat", bundle: Bundle, room: Any) -> None:
    """Give a slide its ground, title, poster, alternative text and languages; `room` is a layout's title."""
    theme = THEMES[bundle.theme]
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor.from_string(theme.ground[1:])
    movie: Any = next(shape for shape in slide.shapes if shape.shape_type == MSO_SHAPE_TYPE.MEDIA)
    movie.name = beat.name
    movie.element.nvPicPr.cNvPr.set("descr", f"{beat.name}: {beat.caption}")
    (blip,) = movie.element.xpath(".//a:blip")
    _, picture = slide.part.get_or_add_image_part(small(beat.poster))
    shared = blip.rEmbed
    blip.rEmbed = picture
    if picture != shared:
        slide.part.drop_rel(shared)
    # the film shows its own words: the title lies behind it, for outlines and for who does not see
    slide.shapes.clone_placeholder(room)
    title: Any = slide.shapes.title
    title.left, title.top, title.width, title.height = movie.left, movie.top, movie.width, movie.height
    write(title.text_frame, [(bundle.lang, beat.name)])
    title.text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor.from_string(theme.ink[1:])
    movie.element.addprevious(title.element)
    notes: Any = slide.notes_slide.notes_text_frame
    write(notes, [(note.lang, note.text) for note in beat.notes])


def small(picture: Image.Image) -> BytesIO:
    """A picture as JPEG, no larger than the slide: as PNG of the clip's size it would be half of the file."""
    data, fits = BytesIO(), picture.copy()
    share = min(1.0, SHORT / min(picture.size))
    fits.thumbnail((round(picture.width * share), round(picture.height * share)))
    fits.save(data, "JPEG", quality=90, subsampling=0)
    data.seek(0)
    return data


def write(frame: Any, lines: list[tuple[str, str]]) -> None:
    """Write lines, each with its language, and from the right where it begins in a script that does."""
    frame.text = "\n".join(" ".join(text.split()) for _, text in lines)
    for paragraph, (lang, text) in zip(frame.paragraphs, lines, strict=True):
        for run in paragraph.runs:
            run.font._element.set("lang", lang)
        if from_the_right(text):
            paragraph._p.get_or_add_pPr().set("rtl", "1")


def from_the_right(text: str) -> bool:
    """Whether the first letter of a text belongs to a script written from the right to the left."""
    sides = (unicodedata.bidirectional(letter) for letter in text)
    return next((side for side in sides if side in ("L", "R", "AL")), "L") != "L"


def label(deck: Presentation, bundle: Bundle) -> None:
    """Say what the file is; what the template tells of its own author, printer and look goes."""
    told = deck.core_properties
    told.title, told.subject = bundle.title[bundle.lang], bundle.about[bundle.lang]
    told.author, told.last_modified_by, told.comments, told.language = "", "", bundle.command, bundle.lang
    for date in told._element.xpath("dcterms:created | dcterms:modified"):
        told._element.remove(date)
    package = deck.part.package
    for relation in list(package.iter_rels()):
        if relation.reltype in (RELATIONSHIP_TYPE.THUMBNAIL, RELATIONSHIP_TYPE.EXTENDED_PROPERTIES):
            package.drop_rel(relation.rId)
    for name, relation in list(deck.part.rels.items()):
        if relation.reltype == RELATIONSHIP_TYPE.PRINTER_SETTINGS:
            deck.part.drop_rel(name)


def timeless(data: bytes) -> bytes:
    """A ZIP file without the time at which it was written; films, already small, are not compressed again."""
    found = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(found, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".mp4") else zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return found.getvalue()
