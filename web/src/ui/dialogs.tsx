import { createContext, useContext, useMemo, useState, type ReactNode } from 'react';
import { ConfirmDialog, type Confirmation } from './confirm_dialog';
import { StopDialog } from './stop_dialog';

// Dialogs live above the pages, so that one stays open when the page under it changes with the
// figures.
export interface Dialogs {
  stop: (scope: string) => void;
  confirm: (confirmation: Confirmation) => void;
}

const DialogsContext = createContext<Dialogs | null>(null);

export function useDialogs(): Dialogs {
  const dialogs = useContext(DialogsContext);
  if (!dialogs) throw new Error('no dialogs around this component');
  return dialogs;
}

export function DialogsProvider({ children }: { children: ReactNode }) {
  const [stopScope, setStopScope] = useState<string | null>(null);
  const [confirmation, setConfirmation] = useState<Confirmation | null>(null);
  const dialogs = useMemo<Dialogs>(() => ({ stop: setStopScope, confirm: setConfirmation }), []);
  return (
    <DialogsContext.Provider value={dialogs}>
      {children}
      {stopScope !== null && <StopDialog scope={stopScope} onClose={() => setStopScope(null)} />}
      {confirmation && (
        <ConfirmDialog confirmation={confirmation} onClose={() => setConfirmation(null)} />
      )}
    </DialogsContext.Provider>
  );
}
