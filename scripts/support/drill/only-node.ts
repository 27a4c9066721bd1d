import type { Dialer } from '../../../src/client/ports.ts';
import { dialerFor } from '../../../src/client/ws-dialer.ts';
import type { Trust } from '../../../src/tls/trust.ts';
import type { RealNode } from '../real-cluster.ts';

/** A dialer that reaches one node only, as if a firewall hid the others: the client cannot move to the leader. */
export function onlyNode(node: RealNode, trust: Trust): Dialer {
  const dialer = dialerFor(trust);
  return {
    ...(dialer.openMs === undefined ? {} : { openMs: dialer.openMs }),
    dial(address, listener) {
      if (address.port === node.httpPort) return dialer.dial(address, listener);
      let told = false;
      const refuse = setTimeout(() => {
        told = true;
        listener.closed('this client uses one node only');
      }, 0);
      return {
        send: () => undefined,
        close: () => {
          if (!told) clearTimeout(refuse);
        },
      };
    },
  };
}
