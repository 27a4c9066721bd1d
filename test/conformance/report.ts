import type { FileResult } from './runner.ts';

export function reportLine({ path, passed, total, firstDivergence }: FileResult): string {
  const score = `${path} ${passed}/${total}`;
  if (firstDivergence === null) return `pass ${score}`;
  return `FAIL ${score} line ${firstDivergence.line}: ${firstDivergence.text}`;
}

export function reportTotals(results: readonly FileResult[]): string {
  const failed = results.filter((result) => result.firstDivergence !== null).length;
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const total = results.reduce((sum, result) => sum + result.total, 0);
  return `${results.length} files: ${results.length - failed} pass, ${failed} FAIL; directives ${passed}/${total}`;
}
