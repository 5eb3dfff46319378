/* Quizzes: choose, check, read why. Without this script every question keeps its fold of answers. */
(() => {
  "use strict";

  const show = (form, answers) => {
    const live = form.querySelector(".quiz-feedback");
    const chosen = [...answers.keys()].find((input) => input.checked);
    if (!chosen) {
      live.className = "quiz-feedback";
      live.textContent = "Choose an answer first.";
      return;
    }
    const answer = answers.get(chosen);
    const right = answer.classList.contains("quiz-right");
    live.className = `quiz-feedback ${right ? "is-right" : "is-wrong"}`;
    live.innerHTML = answer.querySelector(".quiz-feedback-text").innerHTML;
    chosen.closest("label").classList.add(right ? "is-right" : "is-wrong");
  };

  const clear = (form) => {
    const live = form.querySelector(".quiz-feedback");
    live.className = "quiz-feedback";
    live.textContent = "";
    for (const label of form.querySelectorAll(".quiz-option")) {
      label.classList.remove("is-right", "is-wrong");
    }
  };

  /* Every reader meets the options in another order, so that no place is the right one. */
  const shuffle = (form) => {
    const options = [...form.querySelectorAll(".quiz-option")];
    for (let last = options.length - 1; last > 0; last -= 1) {
      const other = Math.floor(Math.random() * (last + 1));
      [options[last], options[other]] = [options[other], options[last]];
    }
    options.forEach((option) => option.parentElement.append(option));
  };

  for (const form of document.querySelectorAll(".quiz-form")) {
    const feedback = [...form.querySelectorAll(".quiz-answers li")];
    const inputs = [...form.querySelectorAll("input[type=radio]")];
    const answers = new Map(inputs.map((input, place) => [input, feedback[place]]));
    shuffle(form);
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
