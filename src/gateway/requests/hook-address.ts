/** Where webhooks may go: to public addresses, unless the configuration says otherwise. */
import { BlockList, isIP, isIPv4 } from 'node:net';

export interface HookAddressRules {
  /** Private, loopback and link-local addresses, and plain HTTP. */
  readonly allowPrivate: boolean;
}

/** IANA's registries of special-purpose addresses, those that are not globally reachable or lead to such. */
const notPublic = new BlockList();
for (const [address, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  notPublic.addSubnet(address, prefix, 'ipv4');
}
/** Global unicast is 2000::/3; of it, what embeds or documents other addresses. */
const embedding = new BlockList();
for (const [address, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  embedding.addSubnet(address, prefix, 'ipv6');
}
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  return globalUnicast.check(address, 'ipv6') && !embedding.check(address, 'ipv6');
}

/** Why nothing can be sent to that URL, as far as it says itself; null when something may be. */
export function urlFault(text: string, { allowPrivate }: HookAddressRules): string | null {
  if (!URL.canParse(text)) return 'This is no URL.';
  const { protocol, username, password, hostname } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') return 'A webhook’s URL is https.';
  if (protocol === 'http:' && !allowPrivate) return 'A webhook’s URL is https.';
  if (username !== '' || password !== '') return 'A webhook’s URL holds no password.';
  const host = hostname.replace(/^\[|\]$/g, '');
  const isRefused = !allowPrivate && (isIP(host) !== 0 ? !isPublicAddress(host) : isLocalName(host));
  return isRefused ? 'A webhook goes to a public address.' : null;
}

function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}
