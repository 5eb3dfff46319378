"""Write the book's mathematics as MathML when it is built, in pure Python.

A page then needs no script and no font from another host to show a formula.  latex2mathml does
the translation; this module adds what MathML Core, the part of MathML that browsers know, wants
done differently: limits below operators, bold letters as characters, alignment as CSS.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
LIMITS = {"min", "max", "arg min", "arg max", "lim", "sup", "inf", "argmin", "argmax"}
# Delimiters which latex2mathml does not tell apart travel through it as private characters.
FENCES = {"lvert": "|", "rvert": "|", "lVert": "‖", "rVert": "‖"}
PRIVATE = {name: chr(0xE000 + i) for i, name in enumerate(FENCES)}
REWRITES = [
    (re.compile(r"\\operatorname\*\{((?:[^{}]|\{[^{}]*\})*)\}"), r"\\text{\1}"),
    (re.compile(r"\\arg\s*\\(min|max)"), r"\\text{arg \1}"),
    (re.compile(r"(\\text\{[^{}]*?)\\,"), r"\1 "),
    (re.compile(r"\\(begin|end)\{aligned\}"), r"\\\1{split}"),
    (re.compile(r"\\sim(?![a-zA-Z])"), "∼"),
    *[(re.compile(rf"\\{name}(?![a-zA-Z])"), char) for name, char in PRIVATE.items()],
]
SCRIPTS = {"LATIN", "GREEK", "LETTER"}
BOLD = {"bold": "MATHEMATICAL BOLD", "bold-italic": "MATHEMATICAL BOLD ITALIC"}


def to_mathml(tex: str, display: bool = False) -> str:
    r"""Translate one formula.

    Parameters
    ----------
    tex : str
        LaTeX, without dollar signs.
    display : bool
        Whether the formula stands on a line of its own.

    Returns
    -------
    str
        A ``<math>`` element.

    Raises
    ------
    ValueError
        If the formula has something that would reach the page as raw LaTeX.
    """
    source = tex.strip()
    for pattern, replacement in REWRITES:
        source = pattern.sub(replacement, source)
    markup = convert(source, display="block" if display else "inline")
    markup = re.sub(r"&(?!#|amp;|lt;|gt;|quot;)", "&amp;", markup)
    root = ElementTree.fromstring(markup)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    for element in root.iter():
        _make_core(element)
    for element in root.iter() if display else ():
        _limits_below(element)
    for element in root.iter():
        text = element.text or ""
        if text.startswith("\\") or text == "&":
            raise ValueError(f"'{text}' is not known")
    root.set("class", "math")
    return ElementTree.tostring(root, encoding="unicode")


def _make_core(element: ElementTree.Element) -> None:
    """Say in MathML Core what latex2mathml says in MathML 3."""
    text = element.text or ""
    for name, char in PRIVATE.items():
        if text == char:
            element.tag, element.text = "mo", FENCES[name]
            form = "prefix" if name.startswith("l") else "postfix"
            element.attrib.update(form=form, stretchy="false")
            return
    if text == "‖" and element.get("stretchy") == "false":
        element.attrib.update(lspace="0", rspace="0")
    if text == "∼":
        element.tag = "mo"
    if element.tag == "mtext":
        operator = text.replace("\u00a0", " ")
        if operator in LIMITS:
            element.tag, element.text = "mo", operator
            element.attrib.update(lspace="0", rspace="0.167em")
    variant = element.get("mathvariant")
    if variant in BOLD:
        element.text = "".join(_bold(char, BOLD[variant]) for char in text)
        del element.attrib["mathvariant"]
    align = element.attrib.pop("columnalign", None)
    if align and element.tag == "mtd":
        element.set("style", f"text-align: {align}")
    if element.tag == "mtable" and element.get("columnspacing", "").startswith("0em"):
        element.set("class", "aligned")
    for name in ("columnspacing", "rowspacing"):
        element.attrib.pop(name, None)


def _bold(char: str, style: str) -> str:
    """The bold letter that Unicode has for `char`, or `char`."""
    try:
        words = [word for word in unicodedata.name(char).split() if word not in SCRIPTS]
        return unicodedata.lookup(" ".join([style, *words]))
    except (KeyError, ValueError):
        return char


def _limits_below(element: ElementTree.Element) -> None:
    """Put the subscript of min, max and their like beneath them."""
    if element.tag not in {"msub", "msubsup"} or not len(element):
        return
    base = element[0]
    while base.tag == "mrow" and len(base) == 1:
        base = base[0]
    if (base.text or "").replace("\u2009", " ") in LIMITS:
        element.tag = {"msub": "munder", "msubsup": "munderover"}[element.tag]
        base.set("movablelimits", "false")


def _render(translator: Any, node: nodes.Element, display: bool) -> None:
    tex = node.astext()
    try:
        markup = to_mathml(tex, display)
    except Exception as error:
        logger.warning(
            "The formula '%s' cannot be written as MathML: %s.", tex, error, location=node
        )
        markup = f"<code>{translator.encode(tex)}</code>"
    if display:
        markup = f'<div class="math-display">{markup}</div>'
    translator.body.append(markup)
    raise nodes.SkipNode


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Write a formula in the line."""
    _render(translator, node, display=False)


def visit_block(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    _render(translator, node, display=True)


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer, for ``html_math_renderer: mathml``."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
