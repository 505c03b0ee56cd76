// What the panel says while there is no board to show.

const COUNT_FROM_S = 3;

export interface NoticeText {
  title: string;
  detail?: string;
  /** The label of a button, and what it does. */
  action?: { label: string; run: () => void };
  /** True while something is under way: a moving bar, and the seconds once there are a few. */
  working?: boolean;
}

/** Fills `node` with the notice; the function that it returns stops the clock. */
export function showNotice(node: HTMLElement, text: NoticeText): () => void {
  node.classList.add("cb-notice");
  node.setAttribute("role", "status");
  node.replaceChildren(line("cb-notice-title", text.title));
  if (text.working) node.append(line("cb-notice-bar", ""));
  const detail = line("cb-notice-detail", text.detail ?? "");
  node.append(detail);
  if (text.action) node.append(button(text.action));
  if (!text.working) return () => undefined;
  const began = Date.now();
  const clock = setInterval(() => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    if (seconds >= COUNT_FROM_S) detail.textContent = `${text.detail ?? ""} ${seconds} s`.trim();
  }, 500);
  return () => clearInterval(clock);
}

function line(name: string, text: string): HTMLElement {
  const node = document.createElement("div");
  node.className = name;
  node.textContent = text;
  return node;
}

function button(action: { label: string; run: () => void }): HTMLElement {
  const node = document.createElement("button");
  node.type = "button";
  node.textContent = action.label;
  node.dataset.testid = "panel-action";
  node.addEventListener("click", action.run);
  return node;
}
