/**
 * Waits for Grafana's fonts, which the global styles declare. A browser loads a font when a text
 * wants it; but a graph is painted once, and would keep the font that was there at the time.
 */
export async function loadFonts(): Promise<void> {
  while (document.fonts.size === 0) {
    await new Promise(requestAnimationFrame);
  }
  await Promise.all([...document.fonts].map((font) => font.load()));
}
