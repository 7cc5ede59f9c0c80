// Passkeys in the browser: a form with data-passkey gets what the browser's passkey answers put into its field "response" and is sent.
// Without script or passkeys those forms stay hidden.
const isAble = typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function';

for (const form of isAble ? document.querySelectorAll('form[data-passkey]') : []) {
	form.hidden = false;
	form.addEventListener('submit', async (event) => {
		if (form.elements.response.value !== '') return;
		event.preventDefault();
		const purpose = form.dataset.passkey;
		try {
			const answer = await fetch('/account/passkey-options', { method: 'POST', body: new URLSearchParams({ purpose }) });
			if (!answer.ok) throw new Error(String(answer.status));
			const options = await answer.json();
			const credential =
				purpose === 'add'
					? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
					: await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
			form.elements.response.value = JSON.stringify(credential.toJSON());
			form.requestSubmit();
		} catch (error) {
			// Who closes the browser's own window wants nothing more.
			const box = form.querySelector('[data-failed]');
			if (error.name !== 'NotAllowedError' && error.name !== 'AbortError' && box !== null) box.hidden = false;
		}
	});
}
