import { useComputed } from "@preact/signals";
import { useBoard } from "../../state/board";
import type { Aligned, Token } from "../../wire/types";
import { isSpecial, showToken } from "../shared/token";
import { ContrastToken } from "./ContrastToken";
import { isOpen } from "./contrast";

/** The prompt's tokens, each above the contrast prompt's that corresponds; a click looks at one. */
export function Tokens() {
  const board = useBoard();
  const { kernel } = board;
  const here = board.position.value;
  const open = useComputed(() => isOpen(board) && kernel.contrast.value !== "").value;
  const tokens = kernel.tokens.value;
  const theirs = kernel.contrastTokens.value;
  const look = (index: number) => void board.select(board.selection.peek(), index);
  const step = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const row = (event.target as HTMLElement).dataset.row;
    if (!by || !row) return;
    const chips = [...(event.currentTarget as HTMLElement).querySelectorAll(`[data-row=${row}]`)];
    const next = chips[chips.indexOf(event.target as HTMLElement) + by] as HTMLElement | undefined;
    if (!next) return;
    event.preventDefault();
    if (row === "prompt") look(Number(next.dataset.index));
    next.focus();
  };
  const pairs: readonly Aligned[] = open
    ? kernel.alignment.value
    : tokens.map(({ index }) => ({ mine: index, theirs: -1, same: true, at: "" }));
  const first = pairs.find((pair) => pair.mine === here && pair.theirs >= 0)?.theirs ?? 0;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot flow as text does
    <div
      class="tokens"
      role="group"
      aria-label={
        open ? "Tokens of the prompt, and of the contrast prompt" : "Tokens of the prompt"
      }
      data-pairs={open}
      onKeyDown={step}
    >
      {pairs.map((pair) => {
        const [mine, other] = [tokens[pair.mine], theirs[pair.theirs]];
        const chip = mine ? <OwnToken token={mine} here={here} look={look} /> : <Gap />;
        if (!open) return chip;
        return (
          <span key={`${pair.mine} ${pair.theirs}`} class="token-pair" data-same={pair.same}>
            {chip}
            <i class="unlike" aria-hidden="true">
              {pair.same ? "" : "≠"}
            </i>
            {other ? (
              <ContrastToken token={other} pair={pair} tabbed={other.index === first} />
            ) : (
              <Gap />
            )}
          </span>
        );
      })}
    </div>
  );
}

/** No token of this prompt corresponds. */
function Gap() {
  return (
    <span class="token-gap" title="no token here corresponds">
      –
    </span>
  );
}

interface TokenProps {
  token: Token;
  here: number;
  look: (index: number) => void;
}

function OwnToken({ token: { index, id, text }, here, look }: TokenProps) {
  const { kernel, ui } = useBoard();
  const metric = kernel.metric.value?.position ?? -1;
  return (
    <button
      key={index}
      type="button"
      class={`token${isSpecial(text) ? " special" : ""}`}
      data-testid={`token-${index}`}
      data-row="prompt"
      data-index={index}
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
      <TokenText text={text} />
    </button>
  );
}

/** Leading spaces as faint dots, the rest as it is. */
export function TokenText({ text }: { text: string }) {
  const shown = showToken(text);
  const dots = /^·+/.exec(shown)?.[0] ?? "";
  return (
    <>
      {dots && <span class="space">{dots}</span>}
      {shown.slice(dots.length)}
    </>
  );
}
