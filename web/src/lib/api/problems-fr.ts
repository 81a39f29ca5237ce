import type { Reason } from '@serverflow/gen/es/serverflow/error/v1/problem_pb';

/** What happened and what to do, in French, by the name of each reason; {names} come from the problem's metadata. */
export const problemsInFrench: Record<
  Exclude<keyof typeof Reason, 'UNSPECIFIED'>,
  [string, string]
> = {
  INTERNAL: [
    'Quelque chose a échoué dans ServerFlow.',
    'Réessayez ; si cela persiste, cherchez l’identifiant de la requête dans le journal du plan de contrôle.',
  ],
  NOT_SIGNED_IN: ['Cet appel demande une session ou un jeton.', 'Connectez-vous.'],
  BAD_TOKEN: ['Le jeton est inconnu, révoqué ou expiré.', 'Créez un nouveau jeton sous Jetons.'],
  WRONG_DOOR: [
    'Un jeton de type {kind} ne sert pas ici.',
    'Utilisez un jeton de type {expected} ; créez-en un sous Jetons.',
  ],
  PERMISSION_DENIED: [
    'Il manque le droit {permission}.',
    'Demandez au propriétaire de l’organisation un jeton ou un rôle qui le donne.',
  ],
  PERSON_REQUIRED: [
    'Seule une personne connectée peut faire cela.',
    'Faites-le dans ce tableau de bord.',
  ],
  DESTROYS: [
    '{method} détruit quelque chose, ce qu’un client IA ne peut pas faire.',
    'Demandez à la personne pour qui vous travaillez de le faire ici.',
  ],
  WRONG_PASSWORD: [
    'L’adresse e-mail ou le mot de passe est faux.',
    'Vérifiez les deux et réessayez.',
  ],
  TOO_MANY_ATTEMPTS: ['Trop de tentatives.', 'Attendez {seconds} secondes et réessayez.'],
  INVALID_ARGUMENT: ['{field} : {violation}', 'Corrigez le champ et envoyez de nouveau.'],
  NOT_FOUND: [
    'Introuvable : {resource} {name}.',
    'Regardez ce qui existe et utilisez un de ces noms.',
  ],
  ALREADY_EXISTS: [
    'Ce nom est pris : {resource} {name}.',
    'Choisissez un autre nom, ou modifiez l’existant.',
  ],
  NOT_EMPTY: [
    '{resource} {name} contient encore {holds}.',
    'Déplacez-les ou supprimez-les d’abord.',
  ],
  REQUEST_ID_REUSED: [
    'L’identifiant de requête a déjà servi à une autre requête.',
    'Envoyez un nouvel identifiant.',
  ],
  SET_UP_ALREADY: ['Cette installation est déjà faite.', 'Connectez-vous.'],
  BAD_SETUP_TOKEN: [
    'L’adresse d’installation est fausse ou a déjà servi.',
    'Utilisez l’adresse que le plan de contrôle a affichée à son dernier démarrage.',
  ],
  NO_SERVER: ['Aucun serveur n’est encore connecté.', 'Connectez-en un sous Serveurs.'],
  SERVER_AMBIGUOUS: ['Il y a plusieurs serveurs : {names}.', 'Choisissez celui que vous voulez.'],
  SERVER_OFFLINE: [
    'Le serveur {server} n’est pas connecté.',
    'Vérifiez que son agent tourne ; un ordre en attente est remis à son retour.',
  ],
  SERVER_NOT_ENROLLED: [
    'Le serveur {server} n’a pas encore été connecté.',
    'Lancez sur ce serveur la commande de connexion.',
  ],
  DEPLOYMENT_RUNNING: [
    'Le déploiement n° {number} de {app} est encore en cours.',
    'Attendez sa fin, puis réessayez.',
  ],
  NO_RELEASE: [
    '{app} n’a pas de version {release} à laquelle revenir.',
    'Regardez les versions gardées et choisissez-en une.',
  ],
  BAD_REPOSITORY: [
    'L’adresse du dépôt est refusée : {why}.',
    'Utilisez une adresse https:// ou ssh:// d’un dépôt git, sans identifiants.',
  ],
  BAD_REF: [
    'La référence est refusée : {why}.',
    'Donnez une branche, un tag ou un identifiant de commit complet.',
  ],
  BAD_DOMAIN: [
    'Le domaine est refusé : {why}.',
    'Utilisez un nom d’hôte complet comme shop.example.com.',
  ],
  BAD_PATH: ['Le chemin est refusé : {why}.', 'Utilisez un chemin relatif dans le dépôt.'],
  POLICY_REFUSED: [
    'Les règles du serveur ont refusé : {why}.',
    'Son administrateur peut changer policy.toml sur le serveur.',
  ],
  ORDER_REFUSED: ['L’agent a refusé l’ordre : {why}.', 'Regardez l’état sur la page du serveur.'],
  APP_STATE: [
    '{app} est dans l’état {state} ; {action} n’est pas possible.',
    'Regardez d’abord l’état de l’app.',
  ],
  BAD_VARIABLE: [
    'La variable {name} est refusée : {why}.',
    'Utilisez lettres, chiffres et traits bas, et donnez une valeur.',
  ],
  BAD_ORIGIN: [
    'L’appel vient d’une page qui n’est pas ce tableau de bord.',
    'Ouvrez le tableau de bord à sa propre adresse.',
  ],
  OUT_OF_SCOPE: [
    'Le jeton n’est pas pour {scope}.',
    'Utilisez un jeton pour ce projet et cet environnement.',
  ],
  BAD_CURSOR: ['Le repère de page n’est pas valable ici.', 'Recommencez sans lui.'],
  ORDER_TIMEOUT: [
    'Le serveur {server} n’a pas répondu à temps.',
    'Regardez l’état de l’app et réessayez.',
  ],
  BAD_GRANT: [
    'Le droit est refusé : {why}.',
    'Choisissez des droits que vous avez vous-même et que les jetons peuvent avoir.',
  ],
  ENROLLMENT_OVER: [
    'L’enrôlement est terminé : {state}.',
    'Commencez-en un nouveau sous Serveurs.',
  ],
  LAST_ONE: ['{name} reste : c’est le dernier ({resource}).', 'Créez-en un autre d’abord.'],
};
