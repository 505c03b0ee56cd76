declare module "node:test" {
  interface Timers {
    enable(options: { apis: string[] }): void;
    reset(): void;
    tick(ms: number): void;
  }
  export function test(name: string, body: () => void | Promise<void>): void;
  export const mock: { timers: Timers };
}

declare module "node:assert/strict" {
  interface Assert {
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    ok(value: unknown, message?: string): void;
    throws(body: () => unknown, expected?: RegExp): void;
  }
  const assert: Assert;
  export default assert;
}
