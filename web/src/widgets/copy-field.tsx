// A text to be copied. On plain http there is no clipboard to write to: then the text is selected, and
// the keyboard does the rest.

import { useRef, useState } from 'preact/hooks';

type Copied = 'no' | 'yes' | 'selected';

export function CopyField({ text, label }: { readonly text: string; readonly label: string }) {
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState<Copied>('no');

  const copy = async (): Promise<void> => {
    field.current?.select();
    setCopied(await copyText(text));
  };

  return (
    <div class="stack">
      <div class="row">
        <input
          ref={field}
          class="grow mono"
          type="text"
          readOnly
          value={text}
          aria-label={label}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" class="primary" onClick={() => void copy()}>
          Copy
        </button>
      </div>
      <p class="small soft" role="status">
        {copied === 'yes' ? 'Copied.' : copied === 'selected' ? 'Selected: press Ctrl+C (⌘C) to copy.' : '\u00a0'}
      </p>
    </div>
  );
}

async function copyText(text: string): Promise<Copied> {
  try {
    // Absent on plain http, whatever its type says.
    const clipboard: Clipboard | undefined = navigator.clipboard;
    if (clipboard !== undefined) {
      await clipboard.writeText(text);
      return 'yes';
    }
  } catch {
    // Refused by a setting: the selection is still there.
  }
  return 'selected';
}
