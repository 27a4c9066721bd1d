/** Every text of the cluster view, in English. The other languages have the same keys, which the compiler holds them to. */
const list = (nodes: readonly number[]): string =>
  nodes.length < 2 ? `node ${nodes[0] ?? ''}` : `nodes ${nodes.slice(0, -1).join(', ')} and ${nodes.at(-1)}`;

export const en = {
  code: 'en',
  title: (name: string) => `Cluster ${name}`,
  pageTitle: 'Cluster · Conclave',
  toChat: 'Chat',
  overview: 'Overview',
  asking: 'Asking the nodes …',
  verdict: {
    allUp: (voters: number) => (voters === 1 ? 'The only node is up.' : `All ${voters} nodes are up.`),
    someDown: (down: readonly number[], up: number, voters: number) =>
      `${list(down).replace(/^n/, 'N')} ${down.length === 1 ? 'is' : 'are'} down. ${up} of ${voters} hold the majority: the chat goes on, nothing is lost.`,
    noMajority: (up: number, voters: number) =>
      `Only ${up} of ${voters} nodes answer. Without a majority nothing is accepted, so that nothing can be lost.`,
    electing: 'A new leader is being elected.',
    leads: (node: number, term: number) => `Node ${node} leads, in term ${term}.`,
    committed: 'messages and other changes on a majority',
    subscribers: (connections: number): string =>
      connections === 1 ? 'logged-in connection' : 'logged-in connections',
    accounts: 'accounts',
  },
  state: {
    leader: 'leads',
    follower: 'follows',
    candidate: 'looks for a leader',
    learner: 'learns',
    observer: 'looks on',
    founding: 'waits for the others',
    down: 'down',
    expected: 'expected',
  },
  graph: (nodes: string) => `The cluster: ${nodes}`,
  node: (node: number) => `Node ${node}`,
  nodes: 'Nodes',
  figure: {
    log: 'log',
    committed: 'committed',
    applied: 'applied',
    behind: 'behind',
    behindOf: (entries: number) => (entries === 1 ? '1 entry' : `${entries} entries`),
    upToDate: 'nothing',
    disk: 'disk free',
    loop: 'loop delay',
    memory: 'memory',
    connections: 'connections',
    up: 'up',
    unknown: '–',
  },
  alarms: 'Alarms',
  heardLast: 'It does not answer. What it said last:',
  never: 'It has not been heard.',
  order: {
    lead: 'Let it lead',
    kill: 'Kill this node',
    remove: 'Remove',
    replace: 'Replace its disk',
    add: 'Add a node',
    ask: {
      lead: (node: number) => `Node ${node} takes over the lead. No request of anybody fails.`,
      kill: (node: number) =>
        `The process of node ${node} ends at once, as in a power cut. Watch who takes over. Under npm start it comes back after a second.`,
      remove: (node: number) =>
        `Node ${node} is no member any more, and stops. The others stay as they are. It can be added again with an empty data directory.`,
      replace: (node: number) =>
        `The disk of node ${node} is given up. The empty one that runs in its place copies everything from the others, and votes then.`,
    },
    go: { lead: 'Hand over', kill: 'Kill it', remove: 'Remove it', replace: 'Replace it', add: 'Add it' },
    cancel: 'Cancel',
    close: 'Close',
    working: 'Working …',
    done: 'Done.',
    unknown: 'No node said what became of it. Look at the picture, then try again.',
    refused: (text: string) => `Refused: ${text}`,
  },
  add: {
    explain:
      'Start the new node with a configuration that lists it, beside the cluster’s key; then add it here. It copies everything first, and votes once it has caught up.',
    node: 'Number of the node',
    runs: 'It runs already and says itself where it is',
    host: 'Host',
    peerPort: 'Port for the other nodes',
    chatPort: 'Port for chat',
    httpPort: 'Port for HTTP',
  },
  promise: {
    title: 'See the promise kept',
    text: 'Open the chat beside this page and write. Then kill the node that leads. Whatever was marked as held by the majority is there, once and in its place; whoever writes goes on writing.',
  },
  history: {
    title: 'What happened',
    empty: 'Nothing yet.',
    elected: (leader: number, term: number) => `Node ${leader} leads, term ${term}.`,
    lost: (previous: number, gap: string | null) =>
      gap === null ? `Node ${previous} was lost.` : `Node ${previous} was lost; ${gap} without a leader.`,
    silent: (previous: number, gap: string | null) =>
      gap === null
        ? `Node ${previous} was not heard any more.`
        : `Node ${previous} was not heard any more; ${gap} without a leader.`,
    handedOver: (previous: number, by: string | null) =>
      by === null ? `Node ${previous} handed over.` : `Node ${previous} handed over, as ${by} asked.`,
    gone: (node: number) => `Node ${node} is gone.`,
    back: (node: number) => `Node ${node} is back.`,
    started: (nodes: readonly number[]) => `${list(nodes).replace(/^n/, 'N')} started.`,
    earlier: 'Earlier',
    seenBy: (nodes: readonly number[]) => `seen by ${list(nodes)}`,
  },
  actions: {
    title: 'What was asked for',
    empty: 'Nothing yet.',
    operator: 'the cluster key',
    page: 'this page',
    times: (times: number) => `${times} requests`,
    unknown: 'outcome unknown',
  },
  entrance: {
    lead: 'This view is for administrators.',
    user: 'Name or e-mail',
    password: 'Password',
    logIn: 'Log in',
    denied: 'This account is no administrator. On the machine of a node: npm run admin -- users grant NAME',
    noNode: 'No node answers.',
  },
};

export type Catalogue = typeof en;
