// A text that becomes a field when clicked: Enter or leaving it takes the change, Escape gives it up.

import { useEffect, useRef, useState } from 'preact/hooks';

export interface EditableTextProps {
  readonly value: string;
  readonly label: string;
  readonly maxLength: number;
  readonly isDisabled?: boolean;
  readonly onChange: (value: string) => void;
}

export function EditableText({ value, label, maxLength, isDisabled = false, onChange }: EditableTextProps) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(value), [value]);
  const take = (): void => {
    if (text.trim() === '') setText(value);
    else if (text !== value) onChange(text);
  };
  return (
    <input
      ref={field}
      class="editable"
      type="text"
      value={text}
      aria-label={label}
      title={label}
      maxLength={maxLength}
      disabled={isDisabled}
      spellcheck={false}
      autocomplete="off"
      onInput={(event) => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => {
        if (event.key === 'Enter') field.current?.blur();
        if (event.key === 'Escape') setText(value);
      }}
    />
  );
}
