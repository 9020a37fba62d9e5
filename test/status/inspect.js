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
    faintBars: months.filter((m) => contrast(getComputedStyle(m.querySelector(".covered")).fill, getComputedStyle(m.querySelector(".track")).fill) < 3).length,
    // The bar's title states its length in percent.
    wrongBars: months
      .filter((m) => {
        const [part, all] = [".covered", ".track"].map((c) => m.querySelector(c).getBoundingClientRect().width);
        const { width, height } = m.getBoundingClientRect();
        return width < 20 || height < 5 || Math.abs(part / all - Number(m.textContent.match(/(\d+) %/)[1]) / 100) > 0.02;
      })
      .map((m) => m.textContent),
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
