// A bar of parts, each in its member's hue. The figures stand beside it as text: colour is never alone.

export interface BarPart {
  readonly label: string;
  readonly hue: number;
  /** 0 to 1. */
  readonly share: number;
}

export function Bar({ parts, label }: { readonly parts: readonly BarPart[]; readonly label: string }) {
  return (
    <div class="bar" role="img" aria-label={label}>
      {parts.map((part) => (
        <span key={part.label} data-hue={part.hue} title={part.label} style={{ inlineSize: `${part.share * 100}%` }} />
      ))}
    </div>
  );
}
