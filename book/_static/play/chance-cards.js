/* Twenty cards in piles, and the best names for the piles: what chance reaches. */
(() => {
  "use strict";
  const { asks, button, chance, define, dot, el, listing, number, percent, plural, says, shuffled, svg } = CoursePlay;
  const SUITS = ["♠", "♥", "♣", "♦"];
  const NAMES = ["spades", "hearts", "clubs", "diamonds"];

  const orders = (items) =>
    items.length < 2 ? [items] : items.flatMap((item, i) => orders([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]));
  const ALL = orders([0, 1, 2, 3]);

  define("chance-cards", (stage, data) => {
    const random = chance(Number(new URLSearchParams(location.search).get("seed")) || Math.floor(Math.random() * 2 ** 31));
    const deck = Array.from({ length: 20 }, (_, i) => i % 4);
    const results = new Array(21).fill(0);
    let piles, names, counted;

    const deal = () => {
      const cards = shuffled(deck, random);
      return [0, 1, 2, 3].map((p) => cards.slice(5 * p, 5 * p + 5).sort());
    };
    const right = (dealt, given) => dealt.reduce((sum, pile, p) => sum + pile.filter((card) => card === given[p]).length, 0);
    const best = (dealt) => ALL.reduce((top, given) => (right(dealt, given) > right(dealt, top) ? given : top));

    const table = el("div", { class: "play-scans play-piles" });
    const text = says();
    const W = 560, H = 150;
    const plot = svg("svg", { class: "play-plot", viewBox: `0 0 ${W} ${H}`, role: "img" });

    const show = () => {
      table.replaceChildren(
        ...piles.map((pile, p) => {
          const select = el("select", { "aria-label": `Name of pile ${p + 1}`, onchange: () => give(p, Number(select.value)) });
          NAMES.forEach((name, i) => select.append(el("option", { value: i, text: `${SUITS[i]} ${name}` })));
          select.value = names[p];
          return el(
            "div",
            {},
            el("p", { class: "play-cards", role: "img", "aria-label": `Pile ${p + 1}: ${listing(pile.map((card) => NAMES[card]))}` },
              ...pile.map((card) => el("span", { class: card === names[p] ? "is-right" : "", text: SUITS[card], "aria-hidden": "true" }))),
            select,
          );
        }),
      );
    };
    /* Each name is given once: whoever had it gets the other's. */
    const give = (p, name) => {
      const other = names.indexOf(name);
      [names[p], names[other]] = [names[other], names[p]];
      show();
      table.querySelectorAll("select")[p].focus();
      const [mine, top] = [right(piles, names), right(piles, best(piles))];
      text.textContent = `${plural(mine, "card")} of 20 in the right pile. ` + (mine === top ? "No names suit these piles better." : "Other names suit these piles better.");
    };
    const record = (value) => {
      results[value] += 1;
    };
    const histogram = () => {
      const n = results.reduce((a, b) => a + b, 0);
      const most = Math.max(1, ...results);
      const theirs = data.counts.reduce((a, b) => a + b, 0);
      const tallest = Math.max(...data.counts);
      const x = (v) => 30 + (v / 20) * (W - 60);
      plot.replaceChildren(
        svg("path", { class: "play-axis", d: `M20 ${H - 24}H${W - 20}` }),
        ...[0, 5, 10, 15, 20].map((v) => svg("text", { x: x(v), y: H - 6, "text-anchor": "middle", text: `${v}` })),
        ...results.map((count, v) => svg("rect", { x: x(v) - 10, y: H - 24 - (count / most) * (H - 40), width: 20, height: (count / most) * (H - 40), style: "fill:var(--play-tone-1)" })),
        ...data.counts.map((count, v) => svg("path", { class: "play-line", d: `M${x(v) - 10} ${H - 24 - (count / tallest) * (H - 40)}h20`, visibility: count ? "visible" : "hidden" })),
      );
      if (!n) {
        plot.setAttribute("aria-label", `How many cards fit, with the best names, in ${theirs} deals of this page: ${number(data.mean, 1)} of 20 on average`);
        return "";
      }
      const mean = results.reduce((sum, count, v) => sum + count * v, 0) / n;
      const told = `After ${plural(n, "deal")} the best names fit ${number(mean, 1)} of 20 on average (${percent(mean / 20)}), never fewer than ${results.findIndex(Boolean)}. ${theirs} deals of this page: ${number(data.mean, 1)}.`;
      plot.setAttribute("aria-label", `How many cards fit, with the best names: ${told}`);
      return told;
    };
    const fresh = () => {
      piles = deal();
      counted = false;
      names = [0, 1, 2, 3];
      show();
      text.textContent = `A new deal. As the piles are named now, ${plural(right(piles, names), "card")} of 20 fit. Choose better names.`;
    };
    stage.append(
      asks("Name each pile after a suit so that as many cards fit as possible. Do it three times, then let a hundred deals be named."),
      el(
        "div",
        { class: "play-controls" },
        button("Best names", () => {
          names = [...best(piles)];
          show();
          if (!counted) record(right(piles, names));
          counted = true;
          const told = histogram();
          text.textContent = `${plural(right(piles, names), "card")} of 20 fit. ${told}`;
        }),
        button("Deal again", () => fresh()),
        button("A hundred deals", () => {
          for (let i = 0; i < 100; i += 1) {
            piles = deal();
            record(right(piles, best(piles)));
          }
          counted = true;
          names = [...best(piles)];
          show();
          text.textContent = histogram();
        }),
      ),
      table,
      text,
      plot,
    );
    fresh();
    histogram();
  });
})();
