export interface Line {
  text: string;
  x: number;
  top: number;
  width: number;
  height: number;
}

const SAME_LINE_PX = 2;

/** The lines that a text node is set in, each where it stands on the screen. */
export function linesOf(node: Text): Line[] {
  const lines: Line[] = [];
  const range = document.createRange();
  let at = 0;
  for (const letter of node.data) {
    range.setStart(node, at);
    at += letter.length;
    range.setEnd(node, at);
    const rect = range.getClientRects()[0];
    if (!rect || rect.width === 0) continue;
    const line = lines[lines.length - 1];
    const shown = /\s/.test(letter) ? " " : letter;
    if (line && Math.abs(line.top - rect.top) <= SAME_LINE_PX) {
      const right = Math.max(line.x + line.width, rect.right);
      line.x = Math.min(line.x, rect.left);
      line.width = right - line.x;
      line.text += shown;
    } else {
      const { left: x, top, width, height } = rect;
      lines.push({ text: shown, x, top, width, height });
    }
  }
  return lines.filter((line) => line.text.trim() !== "");
}

// The shorthand is empty where a part of it cannot be said in it.
const COPIED = [
  "fontFamily",
  "fontSize",
  "fontStyle",
  "fontWeight",
  "letterSpacing",
  "color",
  "padding",
  "boxSizing",
  "textAlign",
  "lineHeight",
  "fontVariantNumeric",
] as const;

/** Calls back with an element that holds a field's text as the field shows it. */
export function withText(
  field: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  draw: (copy: HTMLElement) => void,
): void {
  const style = getComputedStyle(field);
  const { left, top, width, height } = field.getBoundingClientRect();
  const copy = document.createElement("div");
  for (const name of COPIED) copy.style[name] = style[name];
  copy.style.border = "solid transparent";
  copy.style.borderWidth = style.borderWidth;
  copy.style.position = "fixed";
  copy.style.margin = "0";
  copy.style.whiteSpace = field instanceof HTMLTextAreaElement ? "pre-wrap" : "pre";
  copy.style.overflow = "hidden";
  copy.style.width = `${width}px`;
  copy.style.height = `${height}px`;
  copy.textContent =
    field instanceof HTMLSelectElement
      ? (field.selectedOptions[0]?.textContent ?? "")
      : field.value || field.placeholder;
  field.parentElement?.append(copy);
  copy.style.left = `${left}px`;
  copy.style.top = `${top}px`;
  // Something above may be what fixed places count from.
  const is = copy.getBoundingClientRect();
  const inner = field instanceof HTMLTextAreaElement ? 0 : centred(style, height);
  copy.style.left = `${left + (left - is.left)}px`;
  copy.style.top = `${top + (top - is.top) + inner}px`;
  draw(copy);
  copy.remove();
}

/** How far down a one-line field sets its text. */
function centred(style: CSSStyleDeclaration, height: number): number {
  const used = [
    style.paddingTop,
    style.paddingBottom,
    style.borderTopWidth,
    style.borderBottomWidth,
  ]
    .map(Number.parseFloat)
    .reduce((a, b) => a + b, 0);
  const line = Number.parseFloat(style.lineHeight) || Number.parseFloat(style.fontSize) * 1.2;
  return Math.max(0, (height - used - line) / 2);
}
