/* The life of the leases of one link, for spin. docs/model.md says what is
 * left out and why; tools/check_model.py runs it (./run test model).
 *
 * By hand:
 *   spin -a lease.pml && gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m100000
 * With -DBUG_… behind `spin -a` one fault is planted and an assertion must
 * fail; with -DREACH_… an assertion fails if the named thing can happen, which
 * shows that the model is not idle.
 *
 * Every step is atomic and ends in invariants(). The network: leases that
 * were sent stay out for ever and arrive any number of times, in any order, or
 * never. Revocations do so as long as their session lasts. What the sender says arrives at once, or never, or is
 * held back: one such message at a time arrives later, any number of times, as
 * long as its session lasts.
 */

#ifndef BUDGET
#define BUDGET 3       /* units that the quota allows in all */
#endif
#ifndef SLICE
#define SLICE 2        /* units that a lease may add */
#endif
#ifndef SEQUENCES
#define SEQUENCES 3    /* leases that are ever made */
#endif
#ifndef REQUESTS
#define REQUESTS 3     /* request ids that are ever used */
#endif
#ifndef FAULTS
#define FAULTS 2       /* crashes and reboots in all, of any kind, in any order */
#endif
#ifndef REVOCATIONS
#define REVOCATIONS 1
#endif
#ifndef HOLD_BACK
#define HOLD_BACK true /* whether what the sender says may come late or twice */
#endif

#define S 0            /* the sender's end, */
#define R 1            /* the receiver's */

/* What the ledger keeps of the link (LinkRecord). */
typedef Record {
  byte boot;           /* the sender's, that `reported` and `ceiling` speak of */
  byte spent;
  byte reported;
  byte ceiling;
  byte seq;            /* last sequence used, by either end */
  byte send;           /* the sender's newest lease, … */
  byte id;             /* … the request that it answers, … */
  bit closed;          /* … and whether the node said that it is closed */
  byte recall;         /* leases up to here must close before a new grant */
  bit suspended        /* revoked by the operator */
};
Record mem;            /* the controller's memory */
Record disk;           /* the store: survives a crash */
byte session[2];       /* the boot that each node's session told; 0: none */

/* A signed lease. A boot of 0: not sent to that end. */
typedef Lease { byte limit; byte boot[2] };
Lease lease[SEQUENCES + 1];
byte revokes[2];       /* bit n: Revoke up to sequence n was sent to that end */
byte ended;            /* leases up to here are past their lifetime at both gates */

/* A node. Book and gate outlive the agent but not the node. */
typedef End {
  byte boot = 1;
  byte newest;         /* book: newest lease accepted */
  byte cut;            /* book: leases up to here are revoked */
  byte held;           /* gate: its lease */
  bit open;            /* gate: neither closed nor past its lease's end */
  byte count;          /* gate: units admitted since boot */
  byte asking          /* the request that may be repeated */
};
End node[2];

/* What the sender says: a heartbeat, a final report or (id > 0) a request. */
typedef Message { byte boot; byte id; byte seq; byte count; bit closed; byte ended };
Message now;           /* being said; only within a step */
Message held;          /* held back */

byte ids;              /* request ids used */
byte faults;
byte revocations;

/* Nobody decides by what follows: it is what really happened. */
byte total;            /* units admitted, over all boots */
byte taken[2];         /* newest lease that each end ever took */
byte cut_ever[2];      /* newest revocation that each end has carried out */
byte answered;         /* newest request that has a durable lease */

#define CHARGED(r) (r.spent + r.ceiling - r.reported)
#define MIN(a, b) ((a) < (b) -> (a) : (b))
#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define PASSES(e) (node[e].open)
/* Lease n may still be taken by the sender as it stands. */
#define TAKEABLE(n) (lease[n].boot[S] == node[S].boot && n > ended && \
                     n > MAX(MAX(node[S].newest, node[S].cut), node[S].held))
/* All that was admitted, and all that could still be under lease n. */
#define REACH_OF(n) (total - node[S].count + MAX(node[S].count, lease[n].limit))

inline copy(to, from) {
  to.boot = from.boot; to.spent = from.spent; to.reported = from.reported;
  to.ceiling = from.ceiling; to.seq = from.seq; to.send = from.send; to.id = from.id;
  to.closed = from.closed; to.recall = from.recall; to.suspended = from.suspended
}

inline check_lease(n) {
  /* Durable before visible. */
  assert(n <= disk.seq || (lease[n].boot[S] == 0 && lease[n].boot[R] == 0));
  /* Whatever may still be admitted is charged, in memory and on disk. */
  assert(!(TAKEABLE(n) || (PASSES(S) && node[S].held == n)) ||
         (REACH_OF(n) <= CHARGED(mem) && REACH_OF(n) <= CHARGED(disk)))
}

inline invariants() {
  d_step {
    /* Conservation. */
    assert(total <= BUDGET);
    assert(total <= CHARGED(mem) && CHARGED(mem) <= BUDGET);
    assert(total <= CHARGED(disk) && CHARGED(disk) <= BUDGET);
    /* A crash gives nothing back. */
    assert(CHARGED(mem) <= CHARGED(disk));
    assert(mem.reported <= mem.ceiling);
    check_lease(1); check_lease(2);
#if SEQUENCES > 2
    check_lease(3);
#endif
#if SEQUENCES > 3
    check_lease(4);
#endif
#ifdef REACH_ALL_SPENT
    assert(total < BUDGET);
#endif
  }
}

/* ---- the controller ---- */

inline forget_message(m) {
  m.boot = 0; m.id = 0; m.seq = 0; m.count = 0; m.closed = 0; m.ended = 0
}

/* A session that is over delivers nothing more: its stream is gone. */
inline end_session(e) {
  session[e] = 0;
  revokes[e] = 0;
  if
  :: e == S -> forget_message(held)
  :: else
  fi
}

inline crash() {
  faults++;
  copy(mem, disk);
  end_session(S); end_session(R);
#ifdef BUG_FORGET_OUTSTANDING
  mem.ceiling = mem.reported;
#endif
#ifdef BUG_FORGET_REQUEST
  mem.id = 0;
#endif
}

inline commit() { copy(disk, mem) }

/* The lifetime began at the latest when the lease was made, and the controller
 * waits longer than it lasts: it may call a lease dead once the gates have let
 * it go, and not before. */
inline look_whether_alive() {
  if
  :: mem.send == 0 || mem.closed -> alive = 0
  :: else ->
     if
     :: mem.send <= ended -> alive = 0
     :: alive = 1
     fi
  fi
}

inline rebooted(boot_now, count_now) {
#ifndef BUG_REFUND_ON_LOSS
  mem.spent = mem.spent + mem.ceiling - mem.reported;
#endif
  mem.spent = mem.spent + count_now;
  mem.boot = boot_now;
  mem.reported = count_now;
  mem.ceiling = count_now;
  mem.closed = 1
}

/* TakeSenderReport, and a Revoke for a gate that is open and should not be. */
inline take_report(r_seq, r_count, r_closed, r_ended) {
#ifdef BUG_FINAL_TOO_EARLY
  final = r_closed;
#else
  final = r_closed && (r_seq >= mem.send || mem.send <= r_ended);
#endif
  if
  :: r_count >= mem.reported ->
     mem.spent = mem.spent + r_count - mem.reported;
     mem.reported = r_count;
     if
     :: final -> mem.ceiling = r_count
     :: !final && !r_closed && r_seq >= mem.send && mem.send > 0 ->
        mem.ceiling = MAX(r_count, MIN(mem.ceiling, lease[r_seq].limit))
     :: else -> mem.ceiling = MAX(r_count, mem.ceiling)
     fi
  :: else
  fi;
  if
  :: final -> mem.closed = 1
  :: else
  fi;
  final = 0;
  if
  :: !r_closed && r_seq > 0 && (mem.suspended || r_seq <= mem.recall) ->
     revokes[S] = revokes[S] | (1 << r_seq)
  :: else
  fi
}

inline send_out(n) {
  lease[n].boot[S] = mem.boot;
  lease[n].boot[R] = session[R]
}

inline note_answered() {
  /* One request, one lease. */
  assert(mem.id > answered);
  answered = mem.id
}

/* Decide, commit, send; the controller may die in between. */
inline grant(request) {
  mem.seq++;
  mem.send = mem.seq;
  mem.id = request;
  mem.closed = 0;
  mem.recall = 0;
  lease[mem.seq].limit = mem.reported + MIN(SLICE, BUDGET - mem.spent);
  mem.ceiling = MAX(mem.ceiling, lease[mem.seq].limit);
#ifdef BUG_SEND_BEFORE_COMMIT
  send_out(mem.seq);
  if
  :: faults < FAULTS -> crash()
  :: commit(); note_answered()
  fi
#else
  if
  :: faults < FAULTS -> lease[mem.seq].limit = 0; crash()
  :: commit(); note_answered();
     if
     :: faults < FAULTS -> crash()
     :: send_out(mem.seq)
     fi
  fi
#endif
}

inline take_request(request) {
  look_whether_alive();
  if
  :: request < mem.id /* stale: a later one was answered */
  :: request == mem.id ->
     if
     :: alive && mem.send > ended && !mem.suspended && mem.send > mem.recall ->
        lease[mem.send].boot[S] = mem.boot
     :: else
     fi
  :: else ->
     if
     :: !mem.suspended && !(mem.send <= mem.recall && alive) && session[R] != 0 &&
        mem.spent < BUDGET && mem.seq < SEQUENCES -> grant(request)
     :: else
     fi
  fi;
  alive = 0
}

inline take_message(m) {
  take_report(m.seq, m.count, m.closed, m.ended);
  if
  :: m.id > 0 -> take_request(m.id)
  :: else
  fi
}

/* A closed gate says up to where nothing can open it any more. */
inline look_at_gate(seq_said, closed_said) {
  if
  :: PASSES(S) -> seq_said = node[S].held; closed_said = 0
  :: else -> seq_said = MAX(node[S].held, node[S].cut); closed_said = 1
  fi
}

/* A session begins in one step: its handshake needs both ends alive. */
inline sender_connects() {
  session[S] = node[S].boot;
  charge = CHARGED(mem);
  if
  :: mem.boot != node[S].boot -> rebooted(node[S].boot, node[S].count)
  :: else
  fi;
  /* Unreported is spent, and what was lost with a boot never comes back. */
  assert(CHARGED(mem) >= charge);
  charge = 0;
  look_at_gate(seq, closed);
  take_report(seq, node[S].count, closed, ended);
  seq = 0; closed = 0
}

inline receiver_connects() {
  session[R] = node[R].boot;
  look_whether_alive();
  if
  :: mem.suspended && PASSES(R) -> revokes[R] = revokes[R] | (1 << node[R].held)
  :: !mem.suspended && alive && mem.send > mem.recall && mem.seq < SEQUENCES ->
     mem.seq++;
     if
     :: faults < FAULTS -> crash()
     :: commit();
        if
        :: faults < FAULTS -> crash()
        :: lease[mem.seq].boot[R] = session[R]
        fi
     fi
  :: else
  fi;
  alive = 0
}

inline send_revokes(e) {
  if
  :: mem.seq > 0 && session[e] != 0 -> revokes[e] = revokes[e] | (1 << mem.seq)
  :: else
  fi
}

active proctype Controller() {
  bit alive = 0;
  bit final = 0;
  bit closed = 0;
  byte seq = 0;
  byte charge = 0;
end_loop:
  do
  :: atomic { held.boot != 0 && held.boot == session[S] -> take_message(held); invariants() }
  :: atomic { session[S] != node[S].boot -> sender_connects(); invariants() }
  :: atomic { session[R] != node[R].boot -> receiver_connects(); invariants() }
  :: atomic { session[S] != 0 -> end_session(S) }
  :: atomic { session[R] != 0 -> end_session(R) }
  :: atomic { faults < FAULTS -> crash(); invariants() }
  /* What was reported reaches the disk now and then. */
  :: d_step { CHARGED(mem) != CHARGED(disk) || mem.reported != disk.reported ||
              mem.closed != disk.closed || mem.boot != disk.boot -> commit(); invariants() }
  /* The operator. */
  :: atomic { revocations < REVOCATIONS && !mem.suspended ->
       revocations++;
       mem.suspended = 1;
       mem.recall = mem.send;
       commit();
       if
       :: faults < FAULTS -> crash()
       :: send_revokes(S); send_revokes(R)
       fi;
       invariants() }
  :: atomic { mem.suspended -> mem.suspended = 0; commit(); invariants() }
  od
}

/* ---- the nodes ---- */

inline open_gate(e, n) {
  node[e].held = n;
  node[e].open = 1;
#ifdef BUG_RENEWAL_RESETS
  node[e].count = 0;
#endif
  /* Nothing replayed, nothing of an earlier boot, nothing revoked. */
  assert(n > taken[e] && n > cut_ever[e] && lease[n].boot[e] == node[e].boot);
  taken[e] = n
}

#ifdef BUG_ACCEPT_OLD_BOOT
#define FITS_BOOT(e, n) true
#else
#define FITS_BOOT(e, n) (lease[n].boot[e] == node[e].boot)
#endif
#ifdef BUG_ACCEPT_OLD_SEQUENCE
#define IS_NEWER(e, n) true
#else
#define IS_NEWER(e, n) (n > MAX(MAX(node[e].newest, node[e].cut), node[e].held))
#endif

inline take_lease(e, n) {
  atomic {
    lease[n].boot[e] != 0 && n > ended && FITS_BOOT(e, n) && IS_NEWER(e, n);
    node[e].newest = n; /* written down before anything opens */
    if
    :: faults < FAULTS -> faults++; end_session(e); node[e].asking = 0
    :: open_gate(e, n)
    fi;
    invariants()
  }
}

inline take_revoke(e, n) {
  atomic {
    ((revokes[e] >> n) & 1) == 1;
    revokes[e] = (revokes[e] >> (n + 1)) << (n + 1); /* the rest would change nothing */
#ifdef BUG_REVOKE_SENDER_ONLY
    if
    :: e == S && node[e].held <= n -> node[e].open = 0
    :: else
    fi;
#else
    if
    :: node[e].held <= n -> node[e].open = 0
    :: else
    fi;
#endif
    /* Silence first, then paper. */
    if
    :: faults < FAULTS -> faults++; end_session(e); node[e].asking = 0
    :: cut_ever[e] = MAX(cut_ever[e], n);
#ifndef BUG_FORGET_REVOCATION
       node[e].cut = MAX(node[e].cut, n)
#endif
    fi;
    invariants()
  }
}

inline reboot(e) {
  atomic {
    faults < FAULTS;
    faults++;
    end_session(e);
    node[e].boot++;
    node[e].newest = 0; node[e].cut = 0; node[e].held = 0; node[e].open = 0; node[e].count = 0;
    node[e].asking = 0;
    invariants()
  }
}

inline say(request) {
  now.boot = node[S].boot;
  now.id = request;
  look_at_gate(now.seq, now.closed);
  now.count = node[S].count;
  now.ended = ended;
  if
  :: take_message(now)
  :: HOLD_BACK ->
     held.boot = now.boot; held.id = now.id; held.seq = now.seq;
     held.count = now.count; held.closed = now.closed; held.ended = now.ended
  fi;
  forget_message(now);
  invariants()
}

active proctype Sender() {
  bit alive = 0; /* of the controller, when it takes a message at once */
  bit final = 0;
end_loop:
  do
  :: take_lease(S, 1)
  :: take_lease(S, 2)
#if SEQUENCES > 2
  :: take_lease(S, 3)
#endif
#if SEQUENCES > 3
  :: take_lease(S, 4)
#endif
  :: take_revoke(S, 1)
  :: take_revoke(S, 2)
#if SEQUENCES > 2
  :: take_revoke(S, 3)
#endif
#if SEQUENCES > 3
  :: take_revoke(S, 4)
#endif
  :: reboot(S)
  :: atomic { session[S] == node[S].boot -> say(0) }
  :: atomic { session[S] == node[S].boot && ids < REQUESTS ->
       ids++; node[S].asking = ids; say(ids) }
  :: atomic { session[S] == node[S].boot && node[S].asking > 0 -> say(node[S].asking) }
  od
}

active proctype Receiver() {
end_loop:
  do
  :: take_lease(R, 1)
  :: take_lease(R, 2)
#if SEQUENCES > 2
  :: take_lease(R, 3)
#endif
#if SEQUENCES > 3
  :: take_lease(R, 4)
#endif
  :: take_revoke(R, 1)
  :: take_revoke(R, 2)
#if SEQUENCES > 2
  :: take_revoke(R, 3)
#endif
#if SEQUENCES > 3
  :: take_revoke(R, 4)
#endif
  :: reboot(R)
  od
}

/* One unit passes the sender's gate and, if it is open, the receiver's. */
inline unit_passes() {
  node[S].count++;
  total++;
  if
  :: PASSES(R) ->
     /* What either end has revoked does not arrive, … */
     assert(node[S].held > cut_ever[S] && node[R].held > cut_ever[R]);
     /* … nor anything at all while the operator's revocation stands. */
     assert(!disk.suspended || (cut_ever[S] < disk.seq && cut_ever[R] < disk.seq));
#ifdef REACH_SECOND_LIFE
     assert(!(revocations > 0 && !disk.suspended && cut_ever[S] > 0 && node[S].boot > 1));
#endif
  :: else
  fi
}

active proctype World() {
end_loop:
  do
  :: atomic { PASSES(S) && node[S].count < lease[node[S].held].limit ->
       unit_passes(); invariants() }
  /* Time: leases end in the order in which they were made. */
  :: d_step { ended < disk.seq ->
       ended++;
       node[S].open = node[S].open && node[S].held > ended;
       node[R].open = node[R].open && node[R].held > ended;
       /* Nobody takes it any more: forget whom it was for. */
       lease[ended].boot[S] = 0;
       lease[ended].boot[R] = 0;
       invariants() }
  od
}
