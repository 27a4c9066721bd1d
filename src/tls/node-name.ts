/** The name of a node in its certificate: a URI, so that it can be neither a host nor a person. */

export function nodeUri(cluster: string, node: number): string {
  return `conclave://${cluster}/node/${node}`;
}

/**
 * The number of the node that a certificate names; null when it names none of this cluster, or more than one. `alternativeNames` is the
 * text that the platform makes of them: `URI:…, IP Address:…, DNS:…`.
 */
export function namedNode(alternativeNames: string | undefined, cluster: string): number | null {
  // The platform quotes a name that holds a separator: such a certificate is not one of ours, and could hide a forged part.
  if (alternativeNames === undefined || alternativeNames.includes('"')) return null;
  const uris = alternativeNames.split(', ').filter((name) => name.startsWith('URI:'));
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) return null;
  const node = Number(/\/node\/([1-9]\d{0,3})$/.exec(uri)?.[1]);
  return uri === `URI:${nodeUri(cluster, node)}` ? node : null;
}
