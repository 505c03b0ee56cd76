import { useLayoutEffect, useRef } from "preact/hooks";
import { useBoard } from "../state/board";
import type { Menu, MenuItem } from "./menus";
import { focusTab } from "./Strip";

const GAP = 4;

/** The menu that is open, over the board. */
export function MenuLayer() {
  const { ui } = useBoard();
  const menu = ui.menu.value;
  return menu && <OpenMenu key={menu.label} menu={menu} />;
}

/** Below its button, or above it, within the board. */
function put(box: HTMLElement, anchor: HTMLElement): void {
  const room = box.parentElement?.getBoundingClientRect();
  if (!room) return;
  const from = anchor.getBoundingClientRect();
  box.style.maxHeight = `${room.height - 2 * GAP}px`;
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = from.bottom - room.top + GAP;
  const fits = below + height <= room.height - GAP;
  const top = fits ? below : Math.max(GAP, from.top - room.top - height - GAP);
  const left = from.right - room.left - width;
  box.style.top = `${Math.min(top, room.height - height - GAP)}px`;
  box.style.left = `${Math.max(GAP, Math.min(left, room.width - width - GAP))}px`;
}

function OpenMenu({ menu }: { menu: Menu }) {
  const { ui } = useBoard();
  const box = useRef<HTMLDivElement>(null);
  const { anchor } = menu;
  const close = () => {
    ui.menu.value = null;
  };
  const all = () => [...(box.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  useLayoutEffect(() => {
    if (!box.current) return;
    put(box.current, anchor);
    box.current.querySelector<HTMLElement>("[role^=menuitem]")?.focus({ preventScroll: true });
    const away = (event: Event) => {
      const at = event.target as Node;
      if (!box.current?.contains(at) && !anchor.contains(at)) close();
    };
    addEventListener("pointerdown", away, { capture: true });
    return () => removeEventListener("pointerdown", away, { capture: true });
  }, [menu]);
  const onKey = (event: KeyboardEvent) => {
    const items = all();
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: items.length - 1,
    };
    const next = to[event.key];
    event.stopPropagation();
    if (next !== undefined) items[(next + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") {
      close();
      anchor.focus({ preventScroll: true });
    } else return;
    event.preventDefault();
  };
  const run = (item: MenuItem) => {
    close();
    const root = anchor.closest(".circuitboard");
    anchor.focus({ preventScroll: true });
    item.run();
    if (item.goTo) focusTab(root?.firstElementChild ?? null, item.goTo);
  };
  return (
    <div
      ref={box}
      class="menu"
      role="menu"
      tabIndex={-1}
      aria-label={menu.label}
      data-testid="menu"
      onKeyDown={onKey}
    >
      {menu.items.map((item) => (
        <MenuLine key={item.id} item={item} run={() => run(item)} />
      ))}
    </div>
  );
}

function MenuLine({ item, run }: { item: MenuItem; run: () => void }) {
  const role =
    item.checked === undefined
      ? ({ role: "menuitem" } as const)
      : ({ role: "menuitemcheckbox", "aria-checked": item.checked } as const);
  return (
    <button
      type="button"
      {...role}
      data-testid={`menu-${item.id}`}
      data-apart={item.apart}
      tabIndex={-1}
      onClick={run}
    >
      <span class="check">{item.checked ? "✓" : ""}</span>
      <span class="menu-label">{item.label}</span>
      {item.about && <span class="menu-about">{item.about}</span>}
    </button>
  );
}
