"""Quizzes from ``book/quizzes/NAME.yml``: one question, some answers, feedback for each answer.

They are forms that work by keyboard, announce their feedback, and need nothing from another host.
Without scripts every question still has its answers and their feedback in a fold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

QUESTIONS = (3, 5)
OPTIONS = (2, 5)


class QuizError(ValueError):
    """A quiz that cannot be shown; the message says where and why."""


def read_quiz(path: Path) -> list[dict[str, Any]]:
    """Read and check one quiz.

    Parameters
    ----------
    path : Path
        A YAML file with the key ``questions``: a list of ``question`` and ``options``, which are
        lists of ``text``, ``feedback`` and, for the one right answer, ``correct: true``.

    Returns
    -------
    list of dict
        The questions, with every key present and every text stripped.

    Raises
    ------
    QuizError
        If the file is missing, is not YAML, or breaks a rule.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise QuizError(f"There is no quiz {path.name} in {path.parent.name}/.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise QuizError(f"{path.name} is not valid YAML: {reason}") from error
    if not isinstance(content, dict) or set(content) != {"questions"}:
        raise QuizError(f"{path.name} must have one key at its top, 'questions'.")
    questions = content["questions"]
    _check_count(questions, QUESTIONS, f"{path.name}", "questions")
    return [_read_question(q, f"{path.name}, question {i}") for i, q in enumerate(questions, 1)]


def _check_count(value: Any, bounds: tuple[int, int], where: str, what: str) -> None:
    low, high = bounds
    if not isinstance(value, list) or not low <= len(value) <= high:
        found = len(value) if isinstance(value, list) else "none"
        raise QuizError(f"{where}: needs {low} to {high} {what}, has {found}.")


def _text(mapping: dict[str, Any], key: str, where: str) -> str:
    value = mapping.get(key)
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        value = ""
    if not str(value).strip():
        raise QuizError(f"{where}: has no '{key}'.")
    return " ".join(str(value).split())


def _read_question(question: Any, where: str) -> dict[str, Any]:
    if not isinstance(question, dict):
        raise QuizError(f"{where}: must have the keys 'question' and 'options'.")
    if unknown := set(question) - {"question", "options"}:
        raise QuizError(f"{where}: has the unknown key '{sorted(map(str, unknown))[0]}'.")
    text = _text(question, "question", where)
    _check_count(question.get("options"), OPTIONS, where, "options")
    options = []
    for i, option in enumerate(question["options"], 1):
        here = f"{where}, option {i}"
        if not isinstance(option, dict):
            raise QuizError(f"{here}: must have the keys 'text' and 'feedback'.")
        if unknown := set(option) - {"text", "feedback", "correct"}:
            raise QuizError(f"{here}: has the unknown key '{sorted(map(str, unknown))[0]}'.")
        correct = option.get("correct", False)
        if not isinstance(correct, bool):
            raise QuizError(f"{here}: 'correct' must be true or false, not '{correct}'.")
        options.append(
            {
                "text": _text(option, "text", here),
                "feedback": _text(option, "feedback", here),
                "correct": correct,
            }
        )
    if sum(option["correct"] for option in options) != 1:
        raise QuizError(f"{where}: exactly one option must have 'correct: true'.")
    if len({option["text"] for option in options}) < len(options):
        raise QuizError(f"{where}: two options have the same text.")
    return {"question": text, "options": options}


class html_element(nodes.General, nodes.Element):
    """An element of HTML with docutils nodes in it: ``tag`` and ``attributes_``."""


def element(tag: str, *children: nodes.Node, **attributes: str) -> html_element:
    """Build an element; ``class_`` stands for ``class``, ``data_x`` for ``data-x``."""
    names = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    return html_element("", *children, tag=tag, attributes_=names)


class Quiz(SphinxDirective):
    """``:::{quiz} 03-k-means-on-pixels`` shows that quiz."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read the quiz and build its forms."""
        name = self.arguments[0]
        path = Path(self.env.srcdir, "book", "quizzes", f"{name}.yml")
        self.env.note_dependency(str(path))
        try:
            questions = read_quiz(path)
        except QuizError as error:
            raise self.error(str(error)) from error
        forms = [self.form(name, i, question) for i, question in enumerate(questions, 1)]
        return [element("div", *forms, class_="quiz", data_quiz=name)]

    def inline(self, text: str) -> list[nodes.Node]:
        """Parse one line of MyST."""
        return self.parse_inline(text, lineno=self.lineno)[0]

    def form(self, name: str, number: int, question: dict[str, Any]) -> nodes.Node:
        """Build one question."""
        group = f"quiz-{name}-{number}"
        legend = element(
            "legend",
            element("span", nodes.Text(f"Question {number}"), class_="quiz-number"),
            element("span", *self.inline(question["question"]), class_="quiz-question"),
        )
        choices, answers = [], []
        for i, option in enumerate(question["options"], 1):
            key = f"{group}-{i}"
            radio = element("input", type="radio", name=group, value=str(i), id=key)
            text = element("span", *self.inline(option["text"]))
            choices.append(element("label", radio, text, class_="quiz-option", for_=key))
            verdict = "Right" if option["correct"] else "Not right"
            answers.append(
                element(
                    "li",
                    element("p", *self.inline(option["text"]), class_="quiz-answer"),
                    element(
                        "p",
                        element("strong", nodes.Text(f"{verdict}.")),
                        nodes.Text(" "),
                        *self.inline(option["feedback"]),
                        class_="quiz-feedback-text",
                    ),
                    class_="quiz-right" if option["correct"] else "quiz-wrong",
                )
            )
        fold = element(
            "details",
            element("summary", nodes.Text("Answers")),
            element("ol", *answers),
            class_="quiz-answers",
        )
        live = element("div", class_="quiz-feedback", role="status", aria_live="polite")
        fieldset = element("fieldset", legend, *choices)
        return element("form", fieldset, live, fold, class_="quiz-form", autocomplete="off")


def visit_element(translator: Any, node: html_element) -> None:
    """Write the opening tag."""
    attributes = "".join(
        f' {key}="{translator.attval(value)}"' for key, value in node["attributes_"].items()
    )
    translator.body.append(f"<{node['tag']}{attributes}>")


def depart_element(translator: Any, node: html_element) -> None:
    """Write the closing tag."""
    if node["tag"] != "input":
        translator.body.append(f"</{node['tag']}>")


def nothing(translator: Any, node: nodes.Node) -> None:
    """Write only the content where there is no HTML."""


def setup(app: Any) -> dict[str, Any]:
    """Register the directive and its node."""
    app.add_directive("quiz", Quiz)
    app.add_node(html_element, html=(visit_element, depart_element), text=(nothing, nothing))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
