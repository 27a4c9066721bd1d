/** A component that is drawn again only when one of its properties has become another. */
import { Component, type ComponentChild } from 'preact';

export abstract class Pure<Props extends object, State extends object = object> extends Component<
  Props,
  State
> {
  override shouldComponentUpdate(props: Readonly<Props>, state: Readonly<State>): boolean {
    return differ(this.props, props) || differ(this.state, state);
  }

  abstract override render(): ComponentChild;
}

function differ(a: object, b: object): boolean {
  const [before, after] = [Object.entries(a), new Map(Object.entries(b))];
  return before.length !== after.size || before.some(([name, value]) => !Object.is(value, after.get(name)));
}
