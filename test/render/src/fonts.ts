/**
 * Waits for Grafana's fonts, which the global styles declare. A browser loads a font when a text
 * first uses it. A graph is painted only once and would keep the fallback font.
 */
export async function loadFonts(): Promise<void> {
  while (document.fonts.size === 0) {
    await new Promise(requestAnimationFrame);
  }
  await Promise.all([...document.fonts].map((font) => font.load()));
}
