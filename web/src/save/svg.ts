import { gradientOf, inkOf, reach } from "./paint";
import { linesOf, withText } from "./text";

export interface Drawing {
  svg: string;
  width: number;
  height: number;
}

/** Marks what belongs to the screen and not to a picture of it. */
export const SKIP = "data-no-picture";

/** An element of the page as a drawing of its own: shapes, text as text, canvases as images. */
export function drawElement(root: HTMLElement, background: string): Drawing {
  return new Pen(root).draw(background);
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write them
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

export function escapeXml(text: string): string {
  return text
    .replace(FORBIDDEN, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function tag(name: string, attributes: Attributes, inner?: string): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? short(value) : value}"`)
    .join("");
  return inner === undefined ? `<${name}${written}/>` : `<${name}${written}>${inner}</${name}>`;
}

/** A shadow with nothing but a spread. */
const RING = /^(\w+\([^)]*\)) 0px 0px 0px ([\d.]+)px$/;

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Copied from the computed style onto the parts of an inline SVG. */
const SVG_STYLE = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "vector-effect",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "dominant-baseline",
  "display",
];

class Pen {
  private readonly origin: DOMRect;
  private readonly parts: string[] = [];
  private readonly defs: string[] = [];

  constructor(private readonly root: HTMLElement) {
    this.origin = root.getBoundingClientRect();
  }

  draw(background: string): Drawing {
    const { width, height } = this.origin;
    this.walk(this.root);
    const ground = tag("rect", { width, height, fill: inkOf(background).colour });
    const defs = this.defs.length ? tag("defs", {}, this.defs.join("")) : "";
    const svg = tag(
      "svg",
      {
        xmlns: "http://www.w3.org/2000/svg",
        width,
        height,
        viewBox: `0 0 ${short(width)} ${short(height)}`,
      },
      `${defs}${ground}${this.parts.join("")}`,
    );
    return { svg, width, height };
  }

  private boxOf(element: Element): Box {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: left - this.origin.left, y: top - this.origin.top, width, height };
  }

  private outside({ x, y, width, height }: Box): boolean {
    return x > this.origin.width || y > this.origin.height || x + width < 0 || y + height < 0;
  }

  private walk(element: Element): void {
    const style = getComputedStyle(element);
    if (element.hasAttribute(SKIP) || style.display === "none") return;
    if (style.visibility === "hidden" || Number(style.opacity) === 0) return;
    const box = this.boxOf(element);
    const hidden = box.width <= 1 && box.height <= 1 && style.overflow !== "visible";
    if (hidden || (style.display !== "contents" && this.outside(box))) return;
    const faded = Number(style.opacity) < 1;
    if (faded) this.parts.push(`<g opacity="${style.opacity}">`);
    if (style.display !== "contents") this.box(box, style);
    if (element instanceof HTMLCanvasElement) this.image(element.toDataURL("image/png"), box);
    else if (element instanceof HTMLImageElement) this.image(pixelsOf(element), box);
    else if (element instanceof SVGSVGElement) this.inline(element, box);
    else if (!this.field(element, box, style)) this.children(element, box, style);
    if (faded) this.parts.push("</g>");
  }

  /** What lies above the rest comes last. */
  private children(element: Element, box: Box, style: CSSStyleDeclaration): void {
    const clips = element !== this.root && /hidden|auto|scroll|clip/.test(style.overflow);
    if (clips) this.parts.push(`<g clip-path="url(#${this.clip(box)})">`);
    const above: { at: number; child: Element }[] = [];
    for (const child of element.childNodes) {
      if (child instanceof Text) this.text(child, style);
      else if (child instanceof Element) {
        const { position, zIndex } = getComputedStyle(child);
        if (position === "static") this.walk(child);
        else above.push({ at: Number(zIndex) || 0, child });
      }
    }
    above.sort((a, b) => a.at - b.at);
    for (const { child } of above) this.walk(child);
    if (clips) this.parts.push("</g>");
  }

  private clip(box: Box): string {
    const id = `c${this.defs.length}`;
    this.defs.push(tag("clipPath", { id }, tag("rect", { ...box })));
    return id;
  }

  private box(box: Box, style: CSSStyleDeclaration): void {
    const radius = Number.parseFloat(style.borderTopLeftRadius) || undefined;
    const ground = inkOf(style.backgroundColor);
    const shape = { ...box, rx: radius };
    if (ground.alpha > 0) {
      this.parts.push(tag("rect", { ...shape, fill: ground.colour, ...faint(ground.alpha) }));
    }
    const gradient = style.backgroundImage === "none" ? null : gradientOf(style.backgroundImage);
    if (gradient) {
      const id = `g${this.defs.length}`;
      const [x1, y1, x2, y2] = gradient.line;
      const stops = gradient.stops.map(({ at, ink }) =>
        tag("stop", {
          offset: String(Math.round(at * 1e4) / 1e4),
          "stop-color": ink.colour,
          "stop-opacity": ink.alpha < 1 ? String(ink.alpha) : undefined,
        }),
      );
      this.defs.push(tag("linearGradient", { id, x1, y1, x2, y2 }, stops.join("")));
      this.parts.push(tag("rect", { ...shape, fill: `url(#${id})` }));
    }
    this.border(box, style, radius);
    this.rings(box, style, radius ?? 0);
  }

  /** What is drawn round a box: its outline, and a shadow that is a plain ring. */
  private rings(box: Box, style: CSSStyleDeclaration, radius: number): void {
    const ring = (width: number, gap: number, colour: string) => {
      const out = gap + width / 2;
      if (width <= 0 || inkOf(colour).alpha === 0) return;
      const { x, y, width: w, height: h } = box;
      const shape = { x: x - out, y: y - out, width: w + 2 * out, height: h + 2 * out };
      const line = stroke({ width, colour, dashed: false });
      this.parts.push(tag("rect", { ...shape, rx: radius && radius + out, fill: "none", ...line }));
    };
    if (style.outlineStyle !== "none") {
      const [width, gap] = [style.outlineWidth, style.outlineOffset].map(Number.parseFloat);
      ring(width ?? 0, gap ?? 0, style.outlineColor);
    }
    const [, colour, spread] = RING.exec(style.boxShadow) ?? [];
    if (colour && spread) ring(Number(spread), 0, colour);
  }

  private border(box: Box, style: CSSStyleDeclaration, radius: number | undefined): void {
    const sides = (["Top", "Right", "Bottom", "Left"] as const).map((side) => ({
      width:
        style[`border${side}Style`] === "none" ? 0 : Number.parseFloat(style[`border${side}Width`]),
      colour: style[`border${side}Color`],
      dashed: style[`border${side}Style`] === "dashed",
    }));
    const [top, right, bottom, left] = sides as [Side, Side, Side, Side];
    if (sides.every((side) => side.width === 0)) return;
    const { x, y, width, height } = box;
    if (sides.every((side) => side.width === top.width && side.colour === top.colour)) {
      const half = top.width / 2;
      const inner = {
        x: x + half,
        y: y + half,
        width: width - top.width,
        height: height - top.width,
      };
      if (inner.width <= 0 || inner.height <= 0) return;
      this.parts.push(tag("rect", { ...inner, rx: radius, fill: "none", ...stroke(top) }));
      return;
    }
    const line = (side: Side, x1: number, y1: number, x2: number, y2: number) => {
      if (side.width > 0) this.parts.push(tag("line", { x1, y1, x2, y2, ...stroke(side) }));
    };
    line(top, x, y + top.width / 2, x + width, y + top.width / 2);
    line(bottom, x, y + height - bottom.width / 2, x + width, y + height - bottom.width / 2);
    line(left, x + left.width / 2, y, x + left.width / 2, y + height);
    line(right, x + width - right.width / 2, y, x + width - right.width / 2, y + height);
  }

  private text(node: Text, style: CSSStyleDeclaration): void {
    if (!node.data.trim()) return;
    const ink = inkOf(style.color);
    if (ink.alpha === 0) return;
    const font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const { ascent, descent } = reach(font);
    for (const line of linesOf(node)) {
      const text = style.textTransform === "uppercase" ? line.text.toUpperCase() : line.text;
      const attributes = {
        x: line.x - this.origin.left,
        y: line.top - this.origin.top + (line.height - ascent - descent) / 2 + ascent,
        fill: ink.colour,
        ...faint(ink.alpha),
        "font-family": escapeXml(style.fontFamily.replace(/"/g, "'")),
        "font-size": style.fontSize,
        "font-weight": style.fontWeight === "400" ? undefined : style.fontWeight,
        "font-style": style.fontStyle === "normal" ? undefined : style.fontStyle,
        "text-decoration": /through/.test(style.textDecorationLine) ? "line-through" : undefined,
        textLength: text.length > 1 ? line.width : undefined,
        "xml:space": "preserve",
      };
      this.parts.push(tag("text", attributes, escapeXml(text)));
    }
  }

  private image(source: string, box: Box): void {
    if (!source.startsWith("data:image/") || box.width === 0) return;
    this.parts.push(tag("image", { ...box, href: escapeXml(source), preserveAspectRatio: "none" }));
  }

  private inline(element: SVGSVGElement, box: Box): void {
    const copy = element.cloneNode(true) as SVGSVGElement;
    const originals = [element, ...element.querySelectorAll("*")];
    for (const [i, own] of [copy, ...copy.querySelectorAll("*")].entries()) {
      const style = getComputedStyle(originals[i] as Element);
      for (const name of SVG_STYLE) own.setAttribute(name, style.getPropertyValue(name));
      for (const name of ["class", "style", "id"]) own.removeAttribute(name);
      for (const { name } of [...own.attributes]) {
        if (/^(on|data-|aria-)/.test(name)) own.removeAttribute(name);
      }
    }
    for (const [name, value] of Object.entries(box)) copy.setAttribute(name, short(value));
    copy.removeAttribute("display");
    this.parts.push(new XMLSerializer().serializeToString(copy));
  }

  /** Fields show their text, sliders their place; whether the element is one. */
  private field(element: Element, box: Box, style: CSSStyleDeclaration): boolean {
    const accent = style.accentColor === "auto" ? style.color : style.accentColor;
    if (element instanceof HTMLProgressElement) {
      const { x, y, height } = box;
      const width = box.width * Math.max(0, element.position);
      this.parts.push(
        tag("rect", { ...box, fill: inkOf(style.color).colour, "fill-opacity": 0.15 }),
      );
      this.parts.push(tag("rect", { x, y, width, height, fill: inkOf(accent).colour }));
      return true;
    }
    if (element instanceof HTMLInputElement && element.type === "range") {
      this.slider(element, box, inkOf(accent).colour);
      return true;
    }
    const text = element instanceof HTMLInputElement && /text|number|search/.test(element.type);
    if (text || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement) {
      withText(element as HTMLInputElement, (copy) => this.walk(copy));
      return true;
    }
    return element instanceof HTMLInputElement;
  }

  private slider(element: HTMLInputElement, box: Box, colour: string): void {
    const [low, high] = [Number(element.min || 0), Number(element.max || 100)];
    const part = (Number(element.value) - low) / (high - low || 1);
    const radius = Math.min(7, box.height / 2);
    const y = box.y + box.height / 2;
    const [x1, x2] = [box.x + radius, box.x + box.width - radius];
    const cx = x1 + part * (x2 - x1);
    this.parts.push(
      tag("line", {
        x1,
        y1: y,
        x2,
        y2: y,
        stroke: colour,
        "stroke-opacity": 0.3,
        "stroke-width": 4,
      }),
      tag("circle", { cx, cy: y, r: radius, fill: colour }),
    );
  }
}

interface Side {
  width: number;
  colour: string;
  dashed: boolean;
}

function stroke({ width, colour, dashed }: Side): Attributes {
  const ink = inkOf(colour);
  return {
    stroke: ink.colour,
    "stroke-opacity": ink.alpha < 1 ? String(ink.alpha) : undefined,
    "stroke-width": width,
    "stroke-dasharray": dashed ? `${3 * width} ${2 * width}` : undefined,
  };
}

function faint(alpha: number): Attributes {
  return alpha < 1 ? { "fill-opacity": String(alpha) } : {};
}

/** An image's own bytes where the page carries them; else what the page may read of its pixels. */
function pixelsOf(image: HTMLImageElement): string {
  if (image.src.startsWith("data:")) return image.src;
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  try {
    canvas.getContext("2d")?.drawImage(image, 0, 0);
    return canvas.toDataURL("image/png");
  } catch {
    return "";
  }
}
