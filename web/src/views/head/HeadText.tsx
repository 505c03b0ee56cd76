import { colourOf, css, inkOn, type Scale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { isSpecial, showToken } from "../shared/token";
import { type Pattern, seenFrom } from "./weights";

/** The prompt, coloured by attention from or to one token. */
export function HeadText({ pattern, scale }: { pattern: Pattern; scale: Scale }) {
  const board = useBoard();
  const { ui, kernel } = board;
  const tokens = kernel.tokens.value;
  const focus = Math.min(ui.focusToken.value ?? board.position.value, tokens.length - 1);
  const as = ui.focusAs.value;
  const weights = seenFrom(pattern, focus, as);
  const show = scale.signed ? signed : format;
  const lock = (index: number) => {
    ui.lockToken.value = ui.lockToken.peek() === index ? null : index;
  };
  return (
    <div
      class="head-text"
      data-testid="head-text"
      title="Point at a token to look from it; click locks it"
      data-focus={focus}
      data-locked={ui.lockToken.value !== null}
    >
      {tokens.map(({ index, text }) => {
        const reachable = as === "destination" ? index <= focus : index >= focus;
        const colour = reachable ? colourOf(scale, weights[index] ?? 0) : null;
        return (
          <button
            key={index}
            type="button"
            class={`head-token${isSpecial(text) ? " special" : ""}`}
            data-focus={index === focus}
            data-locked={index === ui.lockToken.value}
            data-weight={reachable ? (weights[index] ?? 0) : undefined}
            aria-pressed={index === ui.lockToken.value}
            title={reachable ? `${show(weights[index] ?? 0, 4)}` : "out of reach"}
            style={colour ? { background: css(colour), color: inkOn(colour) } : undefined}
            onPointerEnter={() => {
              ui.hoverToken.value = index;
            }}
            onPointerLeave={() => {
              ui.hoverToken.value = null;
            }}
            onFocus={(event) => {
              if (event.currentTarget.matches(":focus-visible")) ui.hoverToken.value = index;
            }}
            onBlur={() => {
              ui.hoverToken.value = null;
            }}
            onClick={() => lock(index)}
          >
            {showToken(text)}
          </button>
        );
      })}
    </div>
  );
}
