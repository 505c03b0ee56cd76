import { lexer, type Token, type Tokens } from "marked";
import type { ComponentChildren } from "preact";

/** Markdown as elements, one by one: markup inside it stays text, links do not lead away. */
export function Markdown({ text }: { text: string }) {
  return <div class="own-markdown">{blocks(lexer(text))}</div>;
}

function blocks(tokens: readonly Token[] | undefined): ComponentChildren {
  return tokens?.map((token, i) => <Block key={i} token={token} />);
}

function Block({ token }: { token: Token }) {
  const inner = () => ("tokens" in token && token.tokens ? blocks(token.tokens) : textOf(token));
  switch (token.type) {
    case "space":
      return null;
    case "heading":
      return (
        <h3 class="own-heading" data-depth={(token as Tokens.Heading).depth}>
          {inner()}
        </h3>
      );
    case "paragraph":
      return <p>{inner()}</p>;
    case "blockquote":
      return <blockquote>{inner()}</blockquote>;
    case "strong":
      return <strong>{inner()}</strong>;
    case "em":
      return <em>{inner()}</em>;
    case "del":
      return <s>{inner()}</s>;
    case "codespan":
      return <code>{textOf(token)}</code>;
    case "code":
      return <pre class="own-text">{textOf(token)}</pre>;
    case "br":
      return <br />;
    case "hr":
      return <hr />;
    case "list":
      return <List list={token as Tokens.List} />;
    case "table":
      return <Table table={token as Tokens.Table} />;
    case "link":
      return <span title={(token as Tokens.Link).href}>{inner()}</span>;
    case "text":
      return <>{inner()}</>;
    default:
      return <>{token.raw}</>;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&amp;": "&",
  "&quot;": '"',
  "&#39;": "'",
};

function textOf(token: Token): string {
  const text = "text" in token ? String(token.text) : token.raw;
  return text.replace(/&(?:lt|gt|amp|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, i) => <li key={i}>{blocks(item.tokens)}</li>);
  return list.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table }: { table: Tokens.Table }) {
  return (
    <table class="own-table">
      <thead>
        <tr>
          {table.header.map((cell, i) => (
            <th key={i}>{blocks(cell.tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map((row, i) => (
          <tr key={i}>
            {row.map((cell, j) => (
              <td key={j}>{blocks(cell.tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
