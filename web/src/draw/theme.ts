import type { Theme } from "../state/ui";

/** The colours of one theme. They become CSS variables, and canvases read them here. */
export interface Palette {
  bg: string;
  surface: string;
  sunken: string;
  line: string;
  rule: string;
  spine: string;
  text: string;
  muted: string;
  faint: string;
  accent: string;
  accentSoft: string;
  target: string;
  foil: string;
  warn: string;
  warnSoft: string;
  /** Signed values: negative, zero, positive. */
  negative: string;
  zero: string;
  positive: string;
  /** Unsigned values: nothing, half, all. */
  norm: readonly [string, string, string];
  attention: readonly [string, string, string];
  blank: string;
  /** Things of no order, told apart by any eye: for lines beside target and foil. */
  series: readonly string[];
}

const light: Palette = {
  bg: "#ffffff",
  surface: "#faf9f7",
  sunken: "#f3f2ee",
  line: "#b9b6ae",
  rule: "#e5e3dd",
  spine: "#56534d",
  text: "#1f1e1c",
  muted: "#66635c",
  faint: "#8d8a82",
  accent: "#4b43b5",
  accentSoft: "#eceafa",
  target: "#a8480a",
  foil: "#1d5f9e",
  warn: "#8a4b00",
  warnSoft: "#fdf3e2",
  negative: "#1f66a8",
  zero: "#f4f2ee",
  positive: "#c8570f",
  norm: ["#f2f3ef", "#6fb3a4", "#0d4f4a"],
  attention: ["#f7f6fb", "#9a86d6", "#321b78"],
  blank: "#efede8",
  series: ["#4b43b5", "#0f766e", "#a1346f", "#7a6a00", "#56534d"],
};

const dark: Palette = {
  bg: "#16171a",
  surface: "#1c1d21",
  sunken: "#232529",
  line: "#5b5d63",
  rule: "#303238",
  spine: "#a5a49f",
  text: "#ecebe7",
  muted: "#a9a7a0",
  faint: "#83827d",
  accent: "#a9a1ff",
  accentSoft: "#2b2947",
  target: "#f2a066",
  foil: "#7fb8ee",
  warn: "#f0bd74",
  warnSoft: "#352a18",
  negative: "#5fa8ea",
  zero: "#2a2c30",
  positive: "#f0883e",
  norm: ["#25292a", "#2f8577", "#a6ecd9"],
  attention: ["#212127", "#6a55bd", "#d3c8ff"],
  blank: "#232427",
  series: ["#a9a1ff", "#5ccabb", "#f08bc0", "#d9c94f", "#a5a49f"],
};

export const PALETTES: Readonly<Record<Theme, Palette>> = { light, dark };

/** Sets the palette on the root element, for style sheets. */
export function applyPalette(root: HTMLElement, theme: Theme): void {
  root.dataset.theme = theme;
  root.style.colorScheme = theme;
  for (const [name, value] of Object.entries(PALETTES[theme])) {
    if (typeof value !== "string") continue;
    const variable = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    root.style.setProperty(`--cb-${variable}`, value);
  }
}

/** Follows JupyterLab's theme where there is one, and else the system's. */
export function watchTheme(changed: (theme: Theme) => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const lab = document.body.dataset.jpThemeLight;
    const isDark = lab === undefined ? system.matches : lab === "false";
    changed(isDark ? "dark" : "light");
  };
  const observer = new MutationObserver(tell);
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", tell);
  tell();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", tell);
  };
}
