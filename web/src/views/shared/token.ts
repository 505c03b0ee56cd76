const SPECIAL = /^<\|?.*\|?>$|^\[[A-Z]+\]$/;

/** A token's text with spaces and line ends that can be seen. */
export function showToken(text: string): string {
  return text.replace(/ /g, "·").replace(/\n/g, "↵").replace(/\t/g, "⇥") || "∅";
}

/** Whether a token is one of the tokenizer's own, such as the beginning of a text. */
export function isSpecial(text: string): boolean {
  return SPECIAL.test(text);
}
