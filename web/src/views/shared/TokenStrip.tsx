import { colourOf, css, inkOn, type Scale } from "../../draw/colour";
import type { Token } from "../../wire/types";
import { isSpecial, showToken } from "./token";

interface Props {
  tokens: readonly Token[];
  values: ArrayLike<number>;
  scale: Scale;
  /** What the colours mean, for those who do not see them. */
  label: string;
  testid: string;
  /** The token that is framed. */
  focus: number;
  show: (value: number) => string;
  pick: (index: number) => void;
}

/** The prompt as text, each token coloured by its value; a click picks one. */
export function TokenStrip(props: Props) {
  const { tokens, values, scale, label, testid, focus, show, pick } = props;
  return (
    <fieldset class="token-strip" data-testid={testid} aria-label={label}>
      {tokens.map(({ index, text }) => {
        const value = values[index] ?? Number.NaN;
        const colour = colourOf(scale, value);
        return (
          <button
            key={index}
            type="button"
            class={`strip-token${isSpecial(text) ? " special" : ""}`}
            aria-pressed={index === focus}
            aria-label={`${text}, ${show(value)}`}
            title={show(value)}
            data-value={value}
            style={colour ? { background: css(colour), color: inkOn(colour) } : undefined}
            onClick={() => pick(index)}
          >
            {showToken(text)}
          </button>
        );
      })}
    </fieldset>
  );
}
