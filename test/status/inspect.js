// Returns what a person would see of the page, as one object.
(() => {
  const rgb = (color) => {
    const found = color.match(/^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/);
    return found && found[4] !== "0" ? found.slice(1, 4).map(Number) : null;
  };
  // https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
  const luminance = (color) => {
    const [r, g, b] = color.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    if (!rgb(one) || !rgb(other)) return 0; // The text or the background is transparent.
    const [dark, light] = [luminance(rgb(one)), luminance(rgb(other))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const background = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return rgb(color) || !element.parentElement ? color : background(element.parentElement);
  };
  const html = [...document.body.querySelectorAll("*")].filter((e) => !(e instanceof SVGElement));
  const texts = html.filter((e) => [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()));
  const months = [...document.querySelectorAll(".month svg")];
  return {
    // WCAG 2.2, level AA, requires a contrast of 4.5 for text and 3 for graphics.
    texts: texts.length,
    faintTexts: texts.filter((e) => contrast(getComputedStyle(e).color, background(e)) < 4.5).map((e) => e.textContent),
    months: months.length,
    // A day that is covered must differ from one that is not, also without colors.
    faintBars: months.filter((m) => [...m.querySelectorAll("rect")].some((r) => contrast(getComputedStyle(r).fill, background(m.parentElement)) < 1.1)).length,
    // The title states how many percent are covered; a day is a part of the strip.
    wrongBars: months
      .filter((m) => {
        const { width, height } = m.getBoundingClientRect();
        const covered = [...m.querySelectorAll(".covered")].reduce((sum, r) => sum + r.getBoundingClientRect().width, 0);
        const percent = Number(m.textContent.match(/(\d+) %/)[1]);
        return width < 60 || height < 5 || ((percent === 100) !== (covered > width - 1) && !m.querySelector(".unjudged")) || (percent === 0 && covered > 0);
      })
      .map((m) => m.textContent),
    selected: getSelection().toString(),
    // A name with right-to-left text must not reverse the text after it.
    reversed: [...document.querySelectorAll(".export")]
      .filter((e) => {
        const [first, last] = [0, e.firstChild.length - 1].map((index) => {
          const letter = new Range();
          letter.setStart(e.firstChild, index);
          letter.setEnd(e.firstChild, index + 1);
          return letter.getBoundingClientRect().left;
        });
        return first >= last;
      })
      .map((e) => e.parentElement.textContent),
    background: getComputedStyle(document.body).backgroundColor,
    width: innerWidth,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    stacked: [...document.querySelectorAll(".cards td")].every((cell) => getComputedStyle(cell).display === "block"),
  };
})();
