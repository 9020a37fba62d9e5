/** The titles of panels that do not fit and are cut off with dots. */
export function cutTitles(): string[] {
  return [...document.querySelectorAll('section h2')].filter(isCut).map((title) => title.textContent ?? '');
}

const isCut = (title: Element) => [title, ...title.querySelectorAll('*')].some(overflows);

const overflows = (element: Element) =>
  element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow !== 'visible';

/** Links in tables with a variable that has no value. */
export function brokenLinks(): string[] {
  const links = [...document.querySelectorAll('#dashboard a')].map((link) => link.getAttribute('href') ?? '');
  return [...new Set(links.filter((link) => /=(&|$)|\$\{/.test(link)))];
}
