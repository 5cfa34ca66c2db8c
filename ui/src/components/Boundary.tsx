import { Component, type ReactNode } from "react";
import { text } from "../base/strings";
import { Icon } from "./Icon";
import { Empty } from "./Notice";

/** Keeps a defect in a page from taking the frame with it. A new `place` is a new try. */
export class Boundary extends Component<
  { place: string; children: ReactNode },
  { failed: string | undefined }
> {
  override state: { failed: string | undefined } = { failed: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { failed: String(error) };
  }

  override componentDidUpdate(before: { place: string }) {
    if (before.place !== this.props.place && this.state.failed !== undefined)
      this.setState({ failed: undefined });
  }

  override render() {
    if (this.state.failed === undefined) return this.props.children;
    return (
      <main id="main" className="page">
        <Empty tone="error" title={text.common.broken}>
          <p className="mono">{this.state.failed}</p>
          <button type="button" onClick={() => window.location.reload()}>
            <Icon name="refresh" />
            {text.common.reload}
          </button>
        </Empty>
      </main>
    );
  }
}
