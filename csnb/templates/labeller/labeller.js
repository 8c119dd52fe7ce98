// The labeller: draws what Python says and tells Python what was clicked or typed. All state is Python's,
// so that nothing is lost when keys are faster than the kernel. Text is set as text and never as HTML.

function element(tag, className, words) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (words !== undefined) made.textContent = words;
  return made;
}

function button(words, className, press) {
  const made = element("button", className, words);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

function render({ model, el }) {
  const words = model.get("words");
  const codes = model.get("codes");
  const root = element("div", "csnb-labeller");
  root.tabIndex = 0;
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // keys are ours, not the notebook's
  el.append(root);
  let current = 0; // place of the chosen message in the conversation

  const tell = (what, more) => model.send({ what, case: model.get("case").case, ...more });
  const messages = () => model.get("case").messages;
  const toggle = (code) => {
    if (messages().length) tell("toggle", { code, number: messages()[current].number });
  };
  const go = (step) => tell("go", { place: model.get("place") + step });

  function choose(place) {
    current = Math.max(0, Math.min(messages().length - 1, place));
    root.querySelectorAll(".message").forEach((row, at) => row.setAttribute("aria-current", at === current));
    const row = root.querySelectorAll(".message")[current];
    if (row) row.scrollIntoView({ block: "nearest" });
  }

  function head() {
    const made = element("div", "head");
    made.append(
      button(words.previous, "step", () => go(-1)),
      button(words.next, "step", () => go(1)),
      button(words.open, "step", () => tell("open")),
      element("span", "place", model.get("progress")),
      element("span", "session", model.get("case").session_id),
      element("span", "status", model.get("status")),
    );
    made.querySelector(".status").setAttribute("role", "status");
    return made;
  }

  function conversation(reasons) {
    const made = element("ol", "conversation");
    messages().forEach((message, at) => {
      const row = element("li", `message ${message.role}`);
      row.setAttribute("aria-current", at === current);
      row.append(
        element("span", "number", message.number),
        element("span", "time", message.time),
        element("span", "who", message.who),
        element("span", "text", message.text),
      );
      codes
        .filter(({ code }) => reasons[code] === message.number)
        .forEach(({ name, side }) => row.append(element("span", `chip ${side}`, name)));
      row.addEventListener("click", () => choose(at));
      made.append(row);
    });
    return made;
  }

  function answers(answer) {
    const made = element("div", "answers");
    const none = button(words.satisfied, "verdict", () => tell("verdict", { dissatisfied: answer.dissatisfied === false ? null : false }));
    none.prepend(element("kbd", "", "n"));
    none.setAttribute("aria-pressed", answer.dissatisfied === false);
    made.append(none);
    codes.forEach(({ code, name, side, key }) => {
      const row = element("div", `reason ${side}`);
      const holds = code in answer.reasons;
      const press = button(name, "code", () => toggle(code));
      press.prepend(element("kbd", "", key));
      press.setAttribute("aria-pressed", holds);
      row.append(press);
      if (holds) {
        row.append(element("span", "evidence", `[${answer.reasons[code]}]`));
        const star = button("★", "primary", () => tell("primary", { code }));
        star.title = words.primary;
        star.setAttribute("aria-label", `${words.primary}: ${name}`);
        star.setAttribute("aria-pressed", answer.primary === code);
        row.append(star);
      }
      made.append(row);
    });
    made.append(note(answer), button(words.clear, "step", () => tell("clear")));
    return made;
  }

  function note(answer) {
    const label = element("label", "note", words.note);
    const field = element("textarea");
    field.value = answer.note;
    field.addEventListener("change", () => tell("note", { note: field.value }));
    label.append(field);
    return label;
  }

  function draw() {
    const hadFocus = root.contains(document.activeElement);
    const top = root.querySelector(".conversation")?.scrollTop ?? 0;
    const answer = model.get("answer");
    const body = element("div", "body");
    body.append(conversation(answer.reasons), answers(answer));
    root.replaceChildren(head(), body, element("p", "help", words.help));
    root.querySelector(".conversation").scrollTop = top;
    if (hadFocus) root.focus({ preventScroll: true });
  }

  root.addEventListener("keydown", (event) => {
    if (event.target.tagName === "TEXTAREA" || event.ctrlKey || event.metaKey || event.altKey) return;
    const reason = codes.find(({ key }) => key === event.key.toLowerCase());
    const moves = {
      ArrowDown: () => choose(current + 1),
      ArrowUp: () => choose(current - 1),
      ArrowRight: () => go(1),
      ArrowLeft: () => go(-1),
      n: () => tell("verdict", { dissatisfied: false }),
    };
    // Enter on a button presses the button
    if (event.target === root) moves.Enter = () => tell("open");
    const act = reason ? () => toggle(reason.code) : moves[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  const onCase = () => {
    current = 0;
    draw();
    root.querySelector(".conversation").scrollTop = 0;
  };
  model.on("change:case", onCase);
  ["answer", "status", "progress"].forEach((name) => model.on(`change:${name}`, draw));
  draw();
}

export default { render };
