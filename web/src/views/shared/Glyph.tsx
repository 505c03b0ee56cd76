import { GLYPHS, type GlyphName } from "../../draw/glyphs";

/** A mark in running text. */
export function Glyph({ name }: { name: GlyphName }) {
  return (
    <svg class="glyph" viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
      <path d={GLYPHS[name]} />
    </svg>
  );
}
