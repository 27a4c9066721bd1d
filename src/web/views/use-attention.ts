/** Whether somebody looks at the end of the open conversation: what they see there is read. */
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from './context.ts';

/** Returns what is to be told when the end comes into view or goes out of it. */
export function useAttention(): (isAtEnd: boolean) => void {
  const app = useApp();
  const isAtEnd = useRef(false);
  const look = (): void => {
    const isVisible = document.visibilityState === 'visible' && document.hasFocus();
    app.look({ isVisible, isAtEnd: isAtEnd.current });
  };
  useEffect(() => {
    window.addEventListener('focus', look);
    window.addEventListener('blur', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      window.removeEventListener('focus', look);
      window.removeEventListener('blur', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return (value) => {
    isAtEnd.current = value;
    look();
  };
}
