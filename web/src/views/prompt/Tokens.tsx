import { useBoard } from "../../state/board";
import { isSpecial, showToken } from "../shared/token";

/** The prompt's tokens; a click looks at one. */
export function Tokens() {
  const board = useBoard();
  const { kernel, ui } = board;
  const here = board.position.value;
  const metric = kernel.metric.value?.position ?? -1;
  const look = (index: number) => void board.select(board.selection.peek(), index);
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = here + by;
    if (!by || next < 0 || next >= kernel.tokens.peek().length) return;
    event.preventDefault();
    look(next);
    const chips = (event.currentTarget as HTMLElement).children;
    (chips[next] as HTMLElement | undefined)?.focus();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot flow as text does
    <div class="tokens" role="group" aria-label="Tokens of the prompt" onKeyDown={step}>
      {kernel.tokens.value.map(({ index, text, id }) => (
        <button
          key={index}
          type="button"
          class={`token${isSpecial(text) ? " special" : ""}`}
          data-testid={`token-${index}`}
          data-hover={ui.focusToken.value === index}
          aria-pressed={index === here}
          tabIndex={index === here ? 0 : -1}
          title={`token ${index}, id ${id}${index === metric ? ": the metric is read here" : ""}`}
          onClick={() => look(index)}
          onPointerEnter={() => {
            ui.hoverToken.value = index;
          }}
          onPointerLeave={() => {
            ui.hoverToken.value = null;
          }}
        >
          <Text text={text} />
        </button>
      ))}
    </div>
  );
}

/** Leading spaces as faint dots, the rest as it is. */
function Text({ text }: { text: string }) {
  const shown = showToken(text);
  const dots = /^·+/.exec(shown)?.[0] ?? "";
  return (
    <>
      {dots && <span class="space">{dots}</span>}
      {shown.slice(dots.length)}
    </>
  );
}
