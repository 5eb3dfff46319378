/* Quizzes: choose, check, read why. Without this script every question keeps its fold of answers. */
(() => {
  "use strict";

  const show = (form, answers) => {
    const inputs = [...form.querySelectorAll("input[type=radio]")];
    const live = form.querySelector(".quiz-feedback");
    const chosen = inputs.findIndex((input) => input.checked);
    if (chosen < 0) {
      live.className = "quiz-feedback";
      live.textContent = "Choose an answer first.";
      return;
    }
    const answer = answers[chosen];
    const right = answer.classList.contains("quiz-right");
    live.className = `quiz-feedback ${right ? "is-right" : "is-wrong"}`;
    live.innerHTML = answer.querySelector(".quiz-feedback-text").innerHTML;
    inputs[chosen].closest("label").classList.add(right ? "is-right" : "is-wrong");
  };

  const clear = (form) => {
    const live = form.querySelector(".quiz-feedback");
    live.className = "quiz-feedback";
    live.textContent = "";
    for (const label of form.querySelectorAll(".quiz-option")) {
      label.classList.remove("is-right", "is-wrong");
    }
  };

  for (const form of document.querySelectorAll(".quiz-form")) {
    const answers = [...form.querySelectorAll(".quiz-answers li")];
    const button = document.createElement("button");
    button.type = "submit";
    button.className = "quiz-check";
    button.textContent = "Check";
    form.querySelector(".quiz-feedback").before(button);
    form.querySelector(".quiz-answers").hidden = true;
    form.addEventListener("change", () => clear(form));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clear(form);
      show(form, answers);
    });
  }
})();
