/** One or two bars to the left and right of a middle line; nothing for what is not known. */
export function SignedBar({ values, top }: { values: readonly number[]; top: number }) {
  return (
    <span class="signed-bar" data-count={values.length} aria-hidden="true">
      {values.map((value, i) => {
        const part = Math.min(1, Math.abs(value) / (top || 1)) * 50;
        return (
          <i
            key={i}
            data-negative={value < 0}
            style={
              Number.isNaN(value)
                ? { width: "0" }
                : { width: `${part}%`, left: `${value < 0 ? 50 - part : 50}%` }
            }
          />
        );
      })}
    </span>
  );
}
