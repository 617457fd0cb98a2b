import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation } from 'react-router-dom';
import { selectFleet, useLive } from '../live/store';

let lastPath: string | null = null;

// A page with its title; moving to another one puts the focus on its heading.
export function Page(props: {
  title: string;
  heading?: ReactNode;
  actions?: ReactNode;
  fills?: boolean;
  // The heading is there for screen readers only.
  quiet?: boolean;
  children: ReactNode;
}) {
  const fleet = useLive(selectFleet)?.name;
  const heading = useRef<HTMLHeadingElement>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    document.title = [props.title, fleet, 'Sluice'].filter(Boolean).join(' · ');
  }, [props.title, fleet]);
  useEffect(() => {
    if (lastPath !== null && lastPath !== pathname) heading.current?.focus();
    lastPath = pathname;
  }, [pathname]);
  return (
    <div className={props.fills ? 'page fills' : 'page'}>
      <div className={props.quiet ? 'heard' : 'page-head'}>
        <h1 ref={heading} tabIndex={-1}>
          {props.heading ?? props.title}
        </h1>
        {props.actions}
      </div>
      {props.children}
    </div>
  );
}

export function Section(props: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="section" aria-label={props.title}>
      <div className="page-head">
        <h2>{props.title}</h2>
        {props.actions}
      </div>
      {props.children}
    </section>
  );
}

export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name} className="fact">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
