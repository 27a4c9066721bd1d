/** Every text of the cluster view, in German. */
import type { Catalogue } from './en.ts';

const list = (nodes: readonly number[]): string =>
  nodes.length < 2
    ? `Knoten ${nodes[0] ?? ''}`
    : `Knoten ${nodes.slice(0, -1).join(', ')} und ${nodes.at(-1)}`;

export const de: Catalogue = {
  code: 'de',
  title: (name) => `Cluster ${name}`,
  pageTitle: 'Cluster · Conclave',
  toChat: 'Chat',
  overview: 'Überblick',
  asking: 'Die Knoten werden gefragt …',
  verdict: {
    allUp: (voters) => (voters === 1 ? 'Der einzige Knoten läuft.' : `Alle ${voters} Knoten laufen.`),
    someDown: (down, up, voters) =>
      `${list(down)} ${down.length === 1 ? 'ist' : 'sind'} ausgefallen. ${up} von ${voters} halten die Mehrheit: Der Chat geht weiter, nichts geht verloren.`,
    noMajority: (up, voters) =>
      `Nur ${up} von ${voters} Knoten ${up === 1 ? 'antwortet' : 'antworten'}. Ohne Mehrheit wird nichts angenommen, damit nichts verloren gehen kann.`,
    electing: 'Ein neuer Leiter wird gewählt.',
    leads: (node, term) => `Knoten ${node} leitet, in Amtszeit ${term}.`,
    committed: 'Nachrichten und andere Änderungen auf einer Mehrheit',
    subscribers: (connections) => (connections === 1 ? 'angemeldete Verbindung' : 'angemeldete Verbindungen'),
    accounts: 'Konten',
  },
  state: {
    leader: 'leitet',
    follower: 'folgt',
    candidate: 'sucht einen Leiter',
    learner: 'lernt',
    observer: 'schaut zu',
    founding: 'wartet auf die anderen',
    down: 'ausgefallen',
    expected: 'erwartet',
  },
  graph: (nodes) => `Der Cluster: ${nodes}`,
  node: (node) => `Knoten ${node}`,
  nodes: 'Knoten',
  figure: {
    log: 'Log',
    committed: 'bestätigt',
    applied: 'ausgeführt',
    behind: 'Rückstand',
    behindOf: (entries) => (entries === 1 ? '1 Eintrag' : `${entries} Einträge`),
    upToDate: 'keiner',
    disk: 'Platz frei',
    loop: 'Verzögerung',
    memory: 'Speicher',
    connections: 'Verbindungen',
    up: 'läuft seit',
    unknown: '–',
  },
  alarms: 'Alarme',
  heardLast: 'Er antwortet nicht. Was er zuletzt gesagt hat:',
  never: 'Er war noch nicht zu hören.',
  order: {
    lead: 'Leiten lassen',
    kill: 'Abschießen',
    remove: 'Entfernen',
    replace: 'Platte ersetzen',
    add: 'Knoten hinzufügen',
    ask: {
      lead: (node) => `Knoten ${node} übernimmt die Leitung. Niemandem geht dabei eine Anfrage verloren.`,
      kill: (node) =>
        `Der Prozess von Knoten ${node} endet sofort, wie bei einem Stromausfall. Schau zu, wer übernimmt. Unter npm start kommt er nach einer Sekunde wieder.`,
      remove: (node) =>
        `Knoten ${node} ist dann kein Mitglied mehr und hält an. Die anderen bleiben, wie sie sind. Mit leerem Datenverzeichnis kann er wieder dazukommen.`,
      replace: (node) =>
        `Die Platte von Knoten ${node} wird aufgegeben. Die leere, die an ihrer Stelle läuft, holt sich alles von den anderen und stimmt dann mit.`,
    },
    go: {
      lead: 'Übergeben',
      kill: 'Abschießen',
      remove: 'Entfernen',
      replace: 'Ersetzen',
      add: 'Hinzufügen',
    },
    cancel: 'Abbrechen',
    close: 'Schließen',
    working: 'Einen Moment …',
    done: 'Erledigt.',
    unknown:
      'Kein Knoten hat gesagt, was daraus geworden ist. Sieh dir das Bild an und versuche es noch einmal.',
    refused: (text) => `Abgelehnt: ${text}`,
  },
  add: {
    explain:
      'Starte den neuen Knoten mit einer Konfiguration, die ihn nennt, neben dem Schlüssel des Clusters; dann füge ihn hier hinzu. Er holt sich erst alles und stimmt mit, sobald er so weit ist wie die anderen.',
    node: 'Nummer des Knotens',
    runs: 'Er läuft schon und sagt selbst, wo er ist',
    host: 'Rechner',
    peerPort: 'Port für die anderen Knoten',
    chatPort: 'Port für den Chat',
    httpPort: 'Port für HTTP',
  },
  promise: {
    title: 'Sieh selbst',
    text: 'Öffne den Chat neben dieser Seite und schreibe. Dann schieß den Knoten ab, der leitet. Was als auf der Mehrheit gehalten markiert war, ist da, einmal und an seinem Platz; wer schreibt, schreibt weiter.',
  },
  history: {
    title: 'Was geschehen ist',
    empty: 'Noch nichts.',
    elected: (leader, term) => `Knoten ${leader} leitet, Amtszeit ${term}.`,
    lost: (previous, gap) =>
      gap === null ? `Knoten ${previous} fiel aus.` : `Knoten ${previous} fiel aus; ${gap} ohne Leiter.`,
    silent: (previous, gap) =>
      gap === null
        ? `Knoten ${previous} war nicht mehr zu hören.`
        : `Knoten ${previous} war nicht mehr zu hören; ${gap} ohne Leiter.`,
    handedOver: (previous, by) =>
      by === null
        ? `Knoten ${previous} hat übergeben.`
        : `Knoten ${previous} hat übergeben, auf Wunsch von ${by}.`,
    gone: (node) => `Knoten ${node} ist weg.`,
    back: (node) => `Knoten ${node} ist wieder da.`,
    started: (nodes) => `${list(nodes)} ${nodes.length === 1 ? 'ist' : 'sind'} gestartet.`,
    earlier: 'Früher',
    seenBy: (nodes) => `gesehen von ${list(nodes)}`,
  },
  actions: {
    title: 'Was verlangt wurde',
    empty: 'Noch nichts.',
    operator: 'der Schlüssel des Clusters',
    page: 'diese Seite',
    times: (times) => `${times} Anfragen`,
    unknown: 'Ausgang unbekannt',
  },
  entrance: {
    lead: 'Diese Ansicht ist für Administratoren.',
    user: 'Name oder E-Mail',
    password: 'Passwort',
    logIn: 'Anmelden',
    denied:
      'Dieses Konto ist kein Administrator. Auf dem Rechner eines Knotens: npm run admin -- users grant NAME',
    noNode: 'Kein Knoten antwortet.',
  },
};
