/** Pure: where the nodes stand in the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export const canvas = { width: 560, height: 400 } as const;
const centre: Point = { x: canvas.width / 2, y: canvas.height / 2 };
export const nodeRadius = 44;

/** On a ring, the first on top; two stand side by side, one in the middle. */
export function ringOf(count: number): readonly Point[] {
  if (count === 1) return [centre];
  const radii = { x: count > 4 ? 190 : 168, y: 130 };
  const turn = count === 2 ? Math.PI : -Math.PI / 2;
  // Of three the upper one is further from the middle than the lower two: shifted, so that the picture is centred.
  const shift = count === 3 ? 30 : 0;
  return Array.from({ length: count }, (_, at) => {
    const angle = turn + (2 * Math.PI * at) / count;
    return { x: centre.x + radii.x * Math.cos(angle), y: centre.y + shift + radii.y * Math.sin(angle) };
  });
}

/** The part of the line between two nodes that lies outside both. */
export function linkOf(from: Point, to: Point): { readonly from: Point; readonly to: Point } {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const gap = nodeRadius + 15;
  const [ux, uy] = [(dx / length) * gap, (dy / length) * gap];
  return { from: { x: from.x + ux, y: from.y + uy }, to: { x: to.x - ux, y: to.y - uy } };
}
