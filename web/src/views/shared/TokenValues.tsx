import type { Scale } from "../../draw/colour";
import { useBoard } from "../../state/board";
import type { Side } from "../../state/ui";
import { type Ends, onSide } from "./sides";
import { TokenBars } from "./TokenBars";
import { TokenStrip } from "./TokenStrip";

interface Props {
  /** Test ids begin with it. */
  name: string;
  /** What the numbers are. */
  what: string;
  ends: Ends;
  side: Side;
  scale: Scale;
  show: (value: number) => string;
}

/** A number of each token, over the text and as bars; a click looks at a position. */
export function TokenValues({ name, what, ends, side, scale, show }: Props) {
  const board = useBoard();
  const tokens = board.kernel.tokens.value;
  const focus = board.position.value;
  const pick = (index: number) => void board.select(board.selection.peek(), index);
  return (
    <>
      <TokenStrip
        tokens={tokens}
        values={onSide(ends, side)}
        scale={scale}
        label={`${what}, ${side}`}
        testid={`${name}-text`}
        focus={focus}
        show={show}
        pick={pick}
      />
      <TokenBars
        tokens={tokens}
        ends={ends}
        label={`${what}, now as bars, the baseline as lines`}
        testid={`${name}-bars`}
        focus={focus}
        pick={pick}
      />
    </>
  );
}
