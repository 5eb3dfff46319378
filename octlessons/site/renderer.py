"""Put the figures of :func:`octlessons.figures.show` into the pages of the book.

``show(fig)`` displays a bundle of the MIME type :data:`MIME`: the same figure drawn for a light
and for a dark page, with its alternative text.  MyST-NB finds :class:`FigureRenderer` through the
entry point ``myst_nb.mime_renderers`` and Sphinx loads :func:`setup`.  The page gets two
``<img>`` elements, of which the theme shows the one that fits, with the same alternative text,
with width and height (so that the text does not jump while the page loads), and lazily (so that
only the visible one is downloaded).

``play(…)`` adds what stands in the figure's place where scripts run: an element ``<play-NAME>``
around the figure, with its data inside.  A page that has one loads the scripts for it.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import struct
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from docutils import nodes

if TYPE_CHECKING:
    from myst_nb.core.render import MimeData, NbElementRenderer

MIME = "application/vnd.octlessons.figure+json"
"""MIME type of the bundle: ``alt``, ``caption``, ``light``, ``dark`` (base64 PNG), ``width``."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class themed_image(nodes.image):
    """One of the two images of a figure; ``width`` and ``height`` are CSS pixels."""


class themed_figure(nodes.General, nodes.Element):
    """Both images of a figure and its caption, which Sphinx does not number."""


class played_figure(nodes.General, nodes.Element):
    """A figure to play with: ``name`` of its script, ``data`` as JSON, and the still figure."""


class themed_caption(nodes.General, nodes.TextElement):
    """The caption of a figure."""


def png_size(content: bytes) -> tuple[int, int]:
    """Read the size of a PNG image from its first bytes.

    Parameters
    ----------
    content : bytes
        The file, or at least its first 24 bytes.

    Returns
    -------
    width, height : int
        In pixels.

    Raises
    ------
    ValueError
        If `content` is not a PNG image.
    """
    if len(content) < 24 or not content.startswith(PNG_SIGNATURE):
        raise ValueError("A figure of the book must be a PNG image, and this one is not.")
    return struct.unpack(">II", content[16:24])


class FigureRenderer:
    """The MyST-NB plug-in that turns the bundle of ``show`` into docutils nodes."""

    mime_priority_overrides: ClassVar = [("*", MIME, 1)]

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Write both images of a bundle and return the nodes that show them.

        Parameters
        ----------
        renderer : NbElementRenderer
            Writes the images beside the page and logs.
        data : MimeData
            One output of a cell.
        inline : bool
            Whether the output stands in the middle of a sentence (then without a caption).

        Returns
        -------
        list of Element or None
            None if the output is of another type, which leaves it to MyST-NB.
        """
        if data.mime_type != MIME:
            return None
        content = data.content
        bundle: dict[str, Any] = json.loads(content) if isinstance(content, str) else content
        alt = str(bundle.get("alt") or "").strip()
        if not alt:
            renderer.logger.warning(
                "This figure has no alternative text. Give show(fig, alt=...) a sentence that "
                "says what the figure shows.",
                subtype="alt",
                line=data.line,
            )
        images = []
        for mode in ("light", "dark"):
            png = a2b_base64(bundle[mode])
            width, height = png_size(png)
            shown = round(float(bundle.get("width") or width))
            name = f"figure-{hashlib.sha256(png).hexdigest()[:20]}.png"
            image = themed_image(
                uri=renderer.write_file([name], png, exists_ok=True),
                alt=alt,
                width=str(shown),
                height=str(round(shown * height / width)),
                classes=[f"only-{mode}"],
            )
            images.append(image)
        if inline:
            return images
        figure = themed_figure("", *images, classes=["octlessons-figure"])
        caption = str(bundle.get("caption") or "").strip()
        if caption:
            figure += themed_caption(caption, "", *_inline(renderer, caption, data.line or 0))
        if playing := bundle.get("play"):
            return [played_figure("", figure, name=playing["name"], data=playing["data"])]
        return [figure]


def _inline(renderer: NbElementRenderer, text: str, line: int) -> list[nodes.Node]:
    """Parse the MyST of a caption (emphasis, mathematics, code) into inline nodes."""
    holder = nodes.Element()
    with renderer.renderer.current_node_context(holder):
        renderer.renderer.nested_render_text(text, line, inline=True)
    return holder.children


def visit_themed_image(translator: Any, node: themed_image) -> None:
    """Write ``<img>`` for one image; the file lies where Sphinx has copied it."""
    name = translator.builder.images.get(node["uri"])
    source = posixpath.join(translator.builder.imgpath, quote(name)) if name else node["uri"]
    translator.body.append(
        translator.emptytag(
            node,
            "img",
            "",
            src=source,
            alt=node["alt"],
            width=node["width"],
            height=node["height"],
            loading="lazy",
            decoding="async",
        )
    )


def visit_played_figure(translator: Any, node: played_figure) -> None:
    """Open the element that its script takes over."""
    translator.body.append(f'<play-{node["name"]} class="play">\n')


def depart_played_figure(translator: Any, node: played_figure) -> None:
    """Write the data, which no text in them can end early, and close the element."""
    data = node["data"].replace("<", "\\u003c")
    translator.body.append(
        f'<script type="application/json">{data}</script>\n</play-{node["name"]}>\n'
    )


def load_scripts(app: Any, page: str, template: str, context: Any, doctree: Any) -> None:
    """Give a page the scripts of its figures to play with, and no other page any."""
    names = {node["name"] for node in doctree.findall(played_figure)} if doctree else set()
    if not names:
        return
    app.add_css_file("play/play.css")
    for place, name in enumerate(["stage", *sorted(names)]):
        app.add_js_file(f"play/{name}.js", priority=600 + place, loading_method="defer")


def writer(tag: str) -> tuple[Any, Any]:
    """The pair of functions that open and close an element of HTML."""

    def visit(translator: Any, node: nodes.Element) -> None:
        translator.body.append(translator.starttag(node, tag, ""))

    def depart(translator: Any, node: nodes.Element) -> None:
        translator.body.append(f"</{tag}>\n")

    return visit, depart


def nothing(translator: Any, node: nodes.Node) -> None:
    """Write only the content where there is no HTML."""


def skip(translator: Any, node: nodes.Node) -> None:
    """Leave a node out where there is no HTML."""
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Register the nodes with Sphinx (listed in ``_config.yml``)."""
    app.add_node(themed_figure, html=writer("figure"), text=(nothing, nothing))
    app.add_node(themed_caption, html=writer("figcaption"), text=(nothing, nothing))
    app.add_node(
        played_figure,
        html=(visit_played_figure, depart_played_figure),
        text=(nothing, nothing),
    )
    app.connect("html-page-context", load_scripts)
    app.add_node(themed_image, html=(visit_themed_image, None), text=(skip, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
