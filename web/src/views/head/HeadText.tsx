import { colourOf, css, inkOn, type Scale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { HeadView } from "../../wire/types";
import { isSpecial, showToken } from "../shared/token";
import { settings } from "./state";
import { useLine } from "./useLine";
import { type Pattern, seenExactly, seenFrom } from "./weights";

interface Props {
  view: HeadView;
  pattern: Pattern;
  scale: Scale;
}

/** The prompt, coloured by what one token takes from the others, or gives to them. */
export function HeadText({ view, pattern, scale }: Props) {
  const board = useBoard();
  const { ui, kernel } = board;
  const tokens = kernel.tokens.value;
  const focus = Math.min(ui.focusToken.value ?? board.position.value, tokens.length - 1);
  const as = ui.focusAs.value;
  const editing = settings(board).editing.value;
  const line = useLine(editing ? null : view, focus);
  const weights = line
    ? seenExactly(line, ui.headSide.value, as, tokens.length)
    : seenFrom(pattern, focus, as);
  const show = scale.signed ? signed : format;
  const lock = (index: number) => {
    ui.lockToken.value = ui.lockToken.peek() === index ? null : index;
  };
  return (
    <div
      class="head-text"
      data-testid="head-text"
      title="Point at a token to look from it; click locks it, Escape unlocks"
      data-focus={focus}
      data-locked={ui.lockToken.value !== null}
      data-exact={line !== null}
    >
      {tokens.map(({ index, text }) => {
        const weight = weights[index] ?? 0;
        const inReach = as === "destination" ? index <= focus : index >= focus;
        const known = inReach && !Number.isNaN(weight);
        const colour = known ? colourOf(scale, weight) : null;
        return (
          <button
            key={index}
            type="button"
            class={`head-token${isSpecial(text) ? " special" : ""}`}
            data-focus={index === focus}
            data-locked={index === ui.lockToken.value}
            data-weight={known ? weight : undefined}
            aria-pressed={index === ui.lockToken.value}
            title={known ? show(weight, 4) : inReach ? "hidden" : "out of reach"}
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
