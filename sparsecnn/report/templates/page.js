"use strict";
(() => {
  const told = JSON.parse(document.getElementById("networks").textContent);
  const tip = document.getElementById("tip");
  const REACH = 18; // pixels on the screen around a point in which it is meant
  let shown = null;

  const element = (name, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const row = (name, words) => {
    const made = element("tr");
    words.forEach((word) => made.append(element(name, word)));
    made.firstChild.className = "left";
    return made;
  };

  const amount = (count) => (count === null ? "–" : count.toLocaleString("en"));

  const layers = (network) => {
    const table = element("table");
    table.append(row("th", ["layer", "nonzeros", "budget", "density", "format"]));
    told.layouts[network.layout].forEach(([name, size], place) => {
      const kept = network.nonzeros[place];
      const density = kept === null || !size ? "–" : `${((100 * kept) / size).toPrecision(3)} %`;
      const form = network.formats[place];
      const budget = network.budgets[place];
      const words = [name, amount(kept), amount(budget), density, form === null ? "–" : told.formats[form]];
      table.append(row("td", words));
    });
    return table;
  };

  const centre = (mark) => {
    const box = mark.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };

  const hide = () => {
    if (shown === null) return;
    document.querySelectorAll(".mark.same").forEach((mark) => mark.classList.remove("same"));
    shown = null;
    tip.hidden = true;
  };

  const show = (mark) => {
    if (mark === shown) return;
    hide();
    shown = mark;
    const network = told.networks[Number(mark.dataset.n)];
    const facts = [element("strong", network.title), element("div", network.facts), layers(network)];
    const key = element("div", `network ${network.key}`);
    key.className = "small";
    tip.replaceChildren(...facts, key);
    tip.hidden = false;
    document.querySelectorAll(`.mark[data-n="${mark.dataset.n}"]`).forEach((same) => same.classList.add("same"));
    const [x, y] = centre(mark);
    const box = tip.getBoundingClientRect();
    const right = x + 14 + box.width > window.innerWidth ? x - 14 - box.width : x + 14;
    tip.style.left = `${Math.max(4, right)}px`;
    tip.style.top = `${Math.max(4, Math.min(y - box.height / 2, window.innerHeight - box.height - 4))}px`;
  };

  const nearest = (marks, event) => {
    let best = null;
    let reach = REACH;
    marks.forEach((mark) => {
      const [x, y] = centre(mark);
      const away = Math.hypot(x - event.clientX, y - event.clientY);
      // Of points at one place the last drawn is the one that is seen.
      if (away <= reach) [best, reach] = [mark, away];
    });
    return best;
  };

  const focus = (marks, mark) => {
    marks.forEach((other) => other.setAttribute("tabindex", other === mark ? "0" : "-1"));
    mark.focus();
  };

  const move = (marks, event) => {
    const place = marks.indexOf(document.activeElement);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 1, ArrowDown: -1 };
    let next = null;
    if (event.key === "Home") next = 0;
    else if (event.key === "End") next = marks.length - 1;
    else if (event.key in steps && place >= 0) {
      const step = steps[event.key];
      const isOnPath = (at) => !marks[at].matches(".candidate, .below");
      next = place + step;
      if (event.key === "ArrowUp" || event.key === "ArrowDown") while (marks[next] && !isOnPath(next)) next += step;
    } else if (event.key === "Escape") hide();
    if (next === null || !marks[next]) return;
    event.preventDefault();
    focus(marks, marks[next]);
  };

  document.querySelectorAll("svg.panel").forEach((panel) => {
    const drawn = [...panel.querySelectorAll(".mark")];
    const marks = [...drawn].sort((one, other) => one.dataset.x - other.dataset.x);
    marks.forEach((mark, place) => {
      const title = mark.querySelector("title");
      mark.setAttribute("aria-label", title.textContent);
      mark.setAttribute("role", "img");
      mark.setAttribute("tabindex", place ? "-1" : "0");
      title.remove(); // the browser's own tooltip would cover ours
      mark.addEventListener("focus", () => show(mark));
      mark.addEventListener("blur", hide);
    });
    const point = (event) => {
      const mark = nearest(drawn, event);
      if (mark) show(mark);
      else hide();
      return mark;
    };
    panel.addEventListener("pointermove", point);
    panel.addEventListener("pointerleave", hide);
    panel.addEventListener("click", (event) => {
      const mark = point(event);
      if (mark) focus(marks, mark);
    });
    panel.addEventListener("keydown", (event) => move(marks, event));
  });
  window.addEventListener("scroll", hide, { passive: true });
  document.documentElement.classList.add("scripted");
})();
